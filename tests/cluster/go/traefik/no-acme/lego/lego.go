// Package lego is the client itself: it cannot be made.
package lego

import (
	"crypto/x509"
	"net/http"
	"time"

	"github.com/go-acme/lego/v5/certificate"
	"github.com/go-acme/lego/v5/challenge"
	"github.com/go-acme/lego/v5/registration"
)

// DirectoryURLLetsEncrypt is the default of an option.
const DirectoryURLLetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Config of a client.
type Config struct {
	CADirURL    string
	UserAgent   string
	HTTPClient  *http.Client
	Certificate struct{ Timeout time.Duration }
}

// NewConfig makes an empty one.
func NewConfig(any) *Config { return &Config{} }

// Challenges sets how a domain is proven.
type Challenges struct{}

// SetDNS01Provider fails.
func (Challenges) SetDNS01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNotBuilt
}

// SetHTTP01Provider fails.
func (Challenges) SetHTTP01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNotBuilt
}

// SetTLSALPN01Provider fails.
func (Challenges) SetTLSALPN01Provider(challenge.Provider, ...challenge.Option) error {
	return challenge.ErrNotBuilt
}

// Client of a certificate authority.
type Client struct {
	Certificate  *certificate.Certifier
	Challenge    Challenges
	Registration *registration.Registrar
}

// NewClient fails.
func NewClient(*Config) (*Client, error) { return nil, challenge.ErrNotBuilt }

// CreateCertPool fails.
func CreateCertPool([]string, bool) (*x509.CertPool, error) { return nil, challenge.ErrNotBuilt }

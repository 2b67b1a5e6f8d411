// Package dns01 proves by DNS.
package dns01

import (
	"strings"
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// Options of the DNS client.
type Options struct {
	RecursiveNameservers []string
}

// Client of DNS.
type Client struct{}

// NewClient makes a client that does nothing.
func NewClient(*Options) *Client { return &Client{} }

// SetDefaultClient has no effect.
func SetDefaultClient(*Client) {}

// CondOptions has no effect.
func CondOptions(bool, ...challenge.Option) challenge.Option { return challenge.None }

// DisableAuthoritativeNssPropagationRequirement has no effect.
func DisableAuthoritativeNssPropagationRequirement() challenge.Option { return challenge.None }

// DisableRecursiveNSsPropagationRequirement has no effect.
func DisableRecursiveNSsPropagationRequirement() challenge.Option { return challenge.None }

// PropagationWait has no effect.
func PropagationWait(time.Duration, bool) challenge.Option { return challenge.None }

// UnFqdn takes the final dot off a name.
func UnFqdn(name string) string { return strings.TrimSuffix(name, ".") }

// Package registration opens accounts, in vain.
package registration

import (
	"context"

	"github.com/go-acme/lego/v5/acme"
	"github.com/go-acme/lego/v5/challenge"
)

// RegisterOptions of an account.
type RegisterOptions struct {
	TermsOfServiceAgreed bool
}

// RegisterEABOptions of an account bound to another.
type RegisterEABOptions struct {
	TermsOfServiceAgreed bool
	Kid                  string
	HmacEncoded          string
}

// Registrar is who would register.
type Registrar struct{}

// Register fails.
func (*Registrar) Register(context.Context, RegisterOptions) (*acme.ExtendedAccount, error) {
	return nil, challenge.ErrNotBuilt
}

// RegisterWithExternalAccountBinding fails.
func (*Registrar) RegisterWithExternalAccountBinding(context.Context, RegisterEABOptions) (*acme.ExtendedAccount, error) {
	return nil, challenge.ErrNotBuilt
}

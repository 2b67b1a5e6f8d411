// Package challenge proves the ownership of a domain.
package challenge

import (
	"context"
	"errors"
)

// ErrNotBuilt is the answer to everything that needs the real client.
var ErrNotBuilt = errors.New("built without ACME")

// Provider presents a proof.
type Provider interface {
	Present(ctx context.Context, domain, token, keyAuth string) error
	CleanUp(ctx context.Context, domain, token, keyAuth string) error
}

// Options are the options of a proof, all without effect.
type Options struct{}

// Option sets one.
type Option func(*Options)

// None is the only option.
func None(*Options) {}

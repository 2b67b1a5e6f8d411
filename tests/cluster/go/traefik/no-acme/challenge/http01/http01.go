// Package http01 proves by HTTP.
package http01

import (
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// PathPrefix is where a proof is asked for (RFC 8555, section 8.3).
const PathPrefix = "/.well-known/acme-challenge/"

// SetDelay has no effect.
func SetDelay(time.Duration) challenge.Option { return challenge.None }

// Package tlsalpn01 proves by TLS.
package tlsalpn01

import (
	"time"

	"github.com/go-acme/lego/v5/challenge"
)

// ACMETLS1Protocol is the protocol's name (RFC 8737, section 6.2).
const ACMETLS1Protocol = "acme-tls/1"

// ChallengeBlocks fails.
func ChallengeBlocks(string, string) ([]byte, []byte, error) {
	return nil, nil, challenge.ErrNotBuilt
}

// SetDelay has no effect.
func SetDelay(time.Duration) challenge.Option { return challenge.None }

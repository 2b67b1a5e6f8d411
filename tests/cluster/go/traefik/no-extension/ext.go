// Package ext extends the routing configuration by nothing.
package ext

// HTTP extends the configuration of HTTP.
type HTTP struct{}

// Router extends a router.
type Router struct{}

// Package acme holds what a certificate authority knows of an account.
package acme

// Account of a certificate authority.
type Account struct{}

// ExtendedAccount is an account and where it lies.
type ExtendedAccount struct {
	Account

	Location string
}

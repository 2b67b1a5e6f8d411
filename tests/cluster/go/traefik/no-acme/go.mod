// In place of the ACME client, whose hundred DNS services are not wanted here:
// only the names that Traefik uses; asking for a certificate is an error.
module github.com/go-acme/lego/v5

go 1.26.0

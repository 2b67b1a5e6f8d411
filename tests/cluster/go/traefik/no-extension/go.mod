// In place of a module that only exists inside Traefik's repository; empty there
// too.
module github.com/traefik/traefik/dynamic/ext

go 1.26.0

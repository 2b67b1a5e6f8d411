// Package log is where the client would write.
package log

import "log/slog"

// SetDefault has no effect: nothing is written.
func SetDefault(*slog.Logger) {}

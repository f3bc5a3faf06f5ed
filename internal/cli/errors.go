package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
	"github.com/pg2db9/pg2db9/internal/config"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/sync/jobfile"
	"github.com/pg2db9/pg2db9/internal/ui"
)

// usageError is a command line that cannot be used.
type usageError struct {
	command string // "" for the program as such
	reason  string
}

func (e *usageError) Error() string { return e.reason }

// hint says where the right use is written.
func (e *usageError) hint() string {
	if e.command == "" {
		return `run "pg2db9 --help" for usage`
	}
	return fmt.Sprintf(`run "pg2db9 %s --help" for usage`, e.command)
}

func usagef(command, format string, args ...any) error {
	return &usageError{command: command, reason: fmt.Sprintf(format, args...)}
}

// errInterrupted is the cause of a context that the user's interrupt ended.
var errInterrupted = errors.New("interrupted")

// codeOf says which exit code an error that ends a run gives.
func codeOf(err error) Code {
	var usage *usageError
	var conf *config.Error
	var conn *dial.ConnStringError
	var unmatched *catalog.UnmatchedPatternError
	var pattern *catalog.PatternError
	var mapping *usermap.Error
	var jobs *jobfile.Error
	var changed *copier.ChangedError
	switch {
	case err == nil:
		return OK
	case errors.As(err, &usage), errors.As(err, &conf), errors.As(err, &conn),
		errors.As(err, &unmatched), errors.As(err, &pattern), errors.As(err, &mapping), errors.As(err, &jobs), errors.Is(err, catalog.ErrNothingSelected):
		return Usage
	case errors.As(err, &changed):
		return Partial
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return Interrupted
	}
	return Failed
}

// redact takes out what can be a password. What pg2db9 says of servers never
// holds one; what a user mistypes may come back in a complaint about it.
func redact(s string) string { return ui.Redact(s) }

package catalog

import (
	"errors"
	"fmt"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// GoneError is an object that was dropped, or that changed, while the catalog
// was read: its row is the snapshot's, but the server renders definitions from
// what stands now. A new snapshot helps.
type GoneError struct {
	Kind string // "index", "constraint", ...; "object" where the server told no more
	Name Name
	Sub  string // column or constraint
	Err  error  // what the server said, if anything
}

// Error implements error.
func (e *GoneError) Error() string {
	what := e.Kind
	if e.Name != (Name{}) {
		what += " " + e.Name.String()
	}
	if e.Sub != "" {
		what += "." + e.Sub
	}
	msg := fmt.Sprintf("reading the catalog: %s was dropped or changed while its definition was read; run the command again", what)
	if e.Err != nil {
		msg += fmt.Sprintf(" (%v)", e.Err)
	}
	return msg
}

// Unwrap returns what the server said.
func (e *GoneError) Unwrap() error { return e.Err }

// gone is err as a *GoneError, where it is what the server says of an object
// that its own functions no longer find: "cache lookup failed", "could not open
// relation with OID" (both XX000), or a name that is no longer there.
func gone(err error, kind string, n Name) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return err
	}
	switch pgErr.Code {
	case pgerrcode.InternalError, pgerrcode.UndefinedTable, pgerrcode.InvalidSchemaName, pgerrcode.UndefinedObject:
		return &GoneError{Kind: kind, Name: n, Err: err}
	}
	return err
}

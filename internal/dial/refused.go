package dial

import (
	"errors"
	"strings"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

// refusedRow says that a server's error is about what one row holds: a value
// that its type does not take (class 22), a constraint (class 23), a size (class
// 54; TiKV's words for an entry that is too large, which come as XX000), or
// what a trigger raised. Whether it is this one row's fault is for the caller to
// prove: some of them a whole batch can provoke, and a smaller one not.
func refusedRow(pg *pgconn.PgError) bool {
	switch {
	case pgerrcode.IsDataException(pg.Code), pgerrcode.IsIntegrityConstraintViolation(pg.Code):
		return true
	}
	switch pg.Code {
	case pgerrcode.RaiseException, pgerrcode.WithCheckOptionViolation:
		return true
	}
	return ofSize(pg)
}

// ofSize says that something is larger than the server stores.
func ofSize(pg *pgconn.PgError) bool {
	switch pg.Code {
	case pgerrcode.ProgramLimitExceeded, pgerrcode.StatementTooComplex:
		return true
	case pgerrcode.InternalError:
		message := strings.ToLower(pg.Message)
		for _, text := range tooLargeTexts {
			if strings.Contains(message, text) {
				return true
			}
		}
	}
	return false
}

// tooLargeTexts are what TiKV and its client say, in lower case, of a row, a key
// or a transaction above their limits, and PostgreSQL of a value above its own.
var tooLargeTexts = []string{
	"entry too large",
	"entry is too large",
	"value too large",
	"value is too large",
	"key too large",
	"key is too large",
	"transaction too large",
	"transaction is too large",
	"txn too large",
	"raft entry is too large",
	"invalid memory alloc request size",
}

// TooLarge says that err is a server's refusal of something for its size.
func TooLarge(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && ofSize(pg)
}

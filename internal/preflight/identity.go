package preflight

import (
	"context"
	"fmt"

	"github.com/pg2db9/pg2db9/internal/dial"
)

// identity is what tells one database from another.
type identity struct {
	DatabaseOID int64   `db:"database_oid"`
	Database    string  `db:"database"`
	Started     float64 `db:"started"` // epoch seconds of the postmaster, to the microsecond
	InRecovery  bool    `db:"in_recovery"`

	system string // system identifier, "" unknown
}

func identify(ctx context.Context, q Querier) (*identity, error) {
	ids, err := rows[identity](ctx, q, "identity")
	if err != nil || len(ids) != 1 {
		return nil, err
	}
	id := &ids[0]
	system, err := one[string](ctx, q, "system")
	switch {
	case err == nil:
		id.system = system
	case !unknownThere(err) && dial.SQLState(err) != "42501": // not for every role
		return nil, err
	}
	return id, nil
}

// SameDatabase reports whether both connections lead to one database, by
// whatever names, and says how that was seen. A standby and its primary are
// one database. Where a server does not tell who it is, the answer is no: only
// PostgreSQL itself can be the same server as a PostgreSQL source.
func SameDatabase(ctx context.Context, source, target Querier) (same bool, how string, err error) {
	s, err := identify(ctx, source)
	if err != nil {
		return false, "", fmt.Errorf("asking the source who it is: %w", err)
	}
	t, err := identify(ctx, target)
	if err != nil {
		if unknownThere(err) {
			return false, "", nil
		}
		return false, "", fmt.Errorf("asking the target who it is: %w", err)
	}
	if s == nil || t == nil {
		return false, "", nil
	}
	same, how = s.same(t)
	return same, how, nil
}

func (s *identity) same(t *identity) (bool, string) {
	if s.DatabaseOID != t.DatabaseOID || s.Database != t.Database {
		return false, ""
	}
	if s.system != "" && t.system != "" && s.system != t.system {
		return false, ""
	}
	switch {
	case s.Started == t.Started:
		return true, fmt.Sprintf("both are database %q of one server", s.Database)
	case s.system != "" && s.system == t.system && (s.InRecovery || t.InRecovery):
		return true, fmt.Sprintf("both are database %q of one cluster: one side is a standby of the other", s.Database)
	}
	// Two servers that once were one, such as a restored backup.
	return false, ""
}

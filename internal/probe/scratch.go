package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/jackc/pgerrcode"
)

// Schema is where the probes make what they need. It is pg2db9's own, as the
// ledger's is.
const Schema = "_pg2db9_probe"

// errForeign is a schema by our name that somebody else uses, or may use.
var errForeign = errors.New("schema " + Schema + " holds objects that no probe made: rename or drop it")

// scratch makes the schema, anew where one was left by a run that was killed.
func scratch(ctx context.Context, l *lab) error {
	s := l.open(ctx)
	defer s.close(ctx)
	r := s.try(ctx, "CREATE SCHEMA "+Schema)
	if r.code() == pgerrcode.DuplicateSchema {
		// Every table of a probe is named p, a number, and what follows it.
		there := s.must(ctx, "SELECT table_name FROM information_schema.tables WHERE table_schema = '"+Schema+"'")
		for _, row := range there.rows {
			if len(row) == 0 || !ours(row[0]) {
				return errForeign
			}
		}
		if s.doubt != nil { // nobody knows whose it is
			return fmt.Errorf("%w, or could not be looked into: %w", errForeign, s.doubt)
		}
		s.must(ctx, "DROP SCHEMA "+Schema+" CASCADE")
		r = s.try(ctx, "CREATE SCHEMA "+Schema)
	}
	switch {
	case s.doubt != nil:
		return fmt.Errorf("making schema %s: %w", Schema, s.doubt)
	case r.fail != nil:
		return fmt.Errorf("making schema %s: %w", Schema, r.fail)
	}
	return nil
}

// ours says whether a table's name is one that a probe gives: p15, p15_log,
// "P q".
func ours(table string) bool {
	return table == quotedTable || probeTable.MatchString(table)
}

// probeTable is the p and number of a probe, and what follows.
var probeTable = regexp.MustCompile(`^p[1-9][0-9]?(_|$)`)

// dropTimeout bounds taking away what the probes made. A session that was cut
// off may hold its table for a while.
const dropTimeout = 20 * time.Second

// dropAttempts is how many connections may be lost over it.
const dropAttempts = 3

// drop takes the schema and roles away, whatever has become of the probes, and
// looks whether they are gone. It returns what is left, each with the reason.
func drop(ctx context.Context, target *lab, roles []string) []string {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), dropTimeout,
		fmt.Errorf("no answer within %s while the scratch schema was dropped", dropTimeout))
	defer cancel()
	var left []string
	name := func(what, sql, check string) {
		if why := take(ctx, target, sql, check); why != nil {
			left = append(left, fmt.Sprintf("%s (%v)", what, why))
		}
	}
	name("schema "+Schema, "DROP SCHEMA IF EXISTS "+Schema+" CASCADE",
		"SELECT schema_name FROM information_schema.schemata WHERE schema_name = '"+Schema+"'")
	for _, role := range roles {
		name("role "+role, "DROP ROLE IF EXISTS "+role, "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = '"+role+"'")
	}
	return left
}

// take drops one thing, on up to dropAttempts connections, and returns why it
// is still there.
func take(ctx context.Context, target *lab, sql, check string) error {
	var why error
	for range dropAttempts {
		l := &lab{target: target.target}
		s := l.open(ctx)
		dropped := s.any(ctx, sql)
		there := s.any(ctx, check)
		s.close(ctx)
		switch {
		case s.doubt != nil:
			why = s.doubt
			if ctx.Err() != nil {
				return why
			}
			continue
		case there.ok() && len(there.rows) == 0 && dropped.ok():
			return nil
		case dropped.fail != nil:
			why = errors.New(refusal(dropped.fail))
		default:
			why = errors.New("it was dropped, the server says, and stands there still")
		}
		if dropped.fail != nil && tellsNothing(dropped.fail) {
			continue
		}
		return why
	}
	return why
}

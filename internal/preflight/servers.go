package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/internal/probe"
)

// oldestSource is the oldest server that the catalog queries are tested on.
const oldestSource = 13

// Servers are both ends.
type Servers struct {
	Source Querier
	Target Querier
	// TargetPostgres says that the target is a plain PostgreSQL, of which more
	// can be asked.
	TargetPostgres bool
	// TargetForeign says that its pg_catalog is not PostgreSQL's.
	TargetForeign bool
	Filtered      bool // the user named tables or schemas
	Lockers       int  // connections to the source that hold table locks; 0: one for a hundred tables
}

// server is what a server says of itself.
type server struct {
	Version    string `db:"version"`
	VersionNum int32  `db:"version_num"`
	Encoding   string `db:"encoding"`
	ReadOnly   bool   `db:"read_only"`
	Role       string `db:"role"`
}

func askServer(ctx context.Context, q Querier) (server, error) {
	all, err := rows[server](ctx, q, "server")
	if err != nil {
		return server{}, err
	}
	if len(all) != 1 {
		return server{}, fmt.Errorf("query server: %d rows", len(all))
	}
	return all[0], nil
}

// ServerChecks are the checks of both servers as such: they need no list of tables.
func ServerChecks(s Servers) []Check {
	return []Check{
		{"source server", s.sourceServer},
		{"target server", s.targetServer},
		{"source and target not swapped", s.swapped},
	}
}

// SourceChecks are those of ServerChecks that need no target.
func SourceChecks(s Servers) []Check { return []Check{{"source server", s.sourceServer}} }

func (s Servers) sourceServer(ctx context.Context) ([]finding.Finding, error) {
	v, err := askServer(ctx, s.Source)
	if err != nil {
		return nil, err
	}
	var out []finding.Finding
	if v.VersionNum/10000 < oldestSource {
		out = append(out, finding.Finding{
			Code: SourceVersion, Severity: finding.Block, Object: finding.Object{Kind: "server", Name: "source"},
			Message: fmt.Sprintf("PostgreSQL %d is older than %d", v.VersionNum/10000, oldestSource),
			Remedy:  "upgrade the source, or restore it into a newer server first",
		})
	}
	if v.Encoding == "SQL_ASCII" {
		out = append(out, finding.Finding{
			Code: SourceEncoding, Severity: finding.Info, Object: finding.Object{Kind: "server", Name: "source"},
			Message: "encoding SQL_ASCII says nothing about the bytes in texts: those that are not valid UTF-8 will be refused by the target, and their table fails",
			Remedy:  "look for invalid texts first, and correct them on the source",
		})
	}
	return out, nil
}

func (s Servers) targetServer(ctx context.Context) ([]finding.Finding, error) {
	v, err := askServer(ctx, s.Target)
	if err != nil {
		return nil, err
	}
	obj := finding.Object{Kind: "server", Name: "target"}
	var out []finding.Finding
	readOnly := v.ReadOnly
	if s.TargetPostgres {
		standby, err := one[bool](ctx, s.Target, "recovery")
		if err != nil {
			return nil, err
		}
		readOnly = readOnly || standby
	}
	if readOnly {
		out = append(out, finding.Finding{
			Code: TargetReadOnly, Severity: finding.Block, Object: obj,
			Message: "the target takes no writes: it is a standby, or default_transaction_read_only is on",
			Remedy:  "name the primary in --target, or switch default_transaction_read_only off for the role",
		})
	}
	if !strings.EqualFold(v.Encoding, "UTF8") && !strings.EqualFold(v.Encoding, "UTF-8") {
		out = append(out, finding.Finding{
			Code: TargetEncoding, Severity: finding.Block, Object: obj,
			Message: fmt.Sprintf("the target's encoding is %s: characters that it lacks would be refused in mid-table", v.Encoding),
			Remedy:  "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0, and name that one in --target",
		})
	}
	return out, nil
}

// swapped finds a source without tables beside a target that has some: who
// mixes the two up would otherwise be told that the target is not empty, and
// empty the wrong one.
func (s Servers) swapped(ctx context.Context) ([]finding.Finding, error) {
	source, err := one[int64](ctx, s.Source, "table_count")
	if err != nil || source > 0 {
		return nil, err
	}
	query := "table_count"
	if s.TargetForeign {
		query = "told_table_count"
	}
	target, err := one[int64](ctx, s.Target, query)
	if err != nil || target == 0 {
		return nil, err
	}
	return []finding.Finding{{
		Code: ServersSwapped, Severity: finding.Block, Object: finding.Object{Kind: "server", Name: "source"},
		Message: fmt.Sprintf("the source holds no table and the target holds %d: source and target look swapped", target),
		Remedy:  "check --source and --target; the source is what is read, the target is what is written",
	}}, nil
}

// Free returns how many more connections the server's role can open; false
// when the server does not say.
func Free(ctx context.Context, q Querier) (int, bool, error) {
	n, err := one[*int64](ctx, q, "connections")
	if err != nil {
		if unknownThere(err) {
			return 0, false, nil
		}
		return 0, false, err
	}
	if n == nil {
		return 0, false, nil
	}
	return int(max(0, *n)), true, nil
}

// JobsFor lowers jobs to what the free connections of both sides allow, each
// side keeping some for itself: the source for the snapshot, its keeper and its
// locks, the target for the ledger and the run's lease. The finding says that it did, or that nothing works.
func JobsFor(ctx context.Context, s Servers, jobs, tables int) (int, []finding.Finding, error) {
	const locksPerConnection, mostLockers = 100, 10
	lockers := s.Lockers
	if lockers == 0 {
		lockers = min(mostLockers, (tables+locksPerConnection-1)/locksPerConnection)
	}
	var out []finding.Finding
	for _, side := range []struct {
		name string
		q    Querier
		own  int
	}{
		{"source", s.Source, 3 + lockers},
		{"target", s.Target, 2},
	} {
		free, known, err := Free(ctx, side.q)
		if err != nil {
			return jobs, nil, fmt.Errorf("asking the %s for free connections: %w", side.name, err)
		}
		if !known || free >= jobs+side.own {
			continue
		}
		f := finding.Finding{
			Code: ConnectionsFew, Severity: finding.Info, Object: finding.Object{Kind: "server", Name: side.name},
			Message: fmt.Sprintf("the %s has %d connections free and %d jobs need %d", side.name, free, jobs, jobs+side.own),
			Remedy:  "close connections, raise the server's or the role's limit, or lower --jobs",
		}
		if free < side.own+1 {
			f.Severity = finding.Block
		} else {
			jobs = free - side.own
			f.Message += fmt.Sprintf(": %d jobs are used", jobs)
		}
		out = append(out, f)
	}
	return jobs, out, nil
}

// About is what a server says of itself.
type About struct {
	Text    string // "PostgreSQL 15.18"
	Whole   string // all of version()
	Version int    // server_version_num
	DB9     bool   // it says that it is one
	StandIn bool   // it says that it stands in for one: what it shows is simulated
}

// Ask asks a server who it is.
func Ask(ctx context.Context, q Querier) (About, error) {
	v, err := askServer(ctx, q)
	if err != nil {
		return About{}, err
	}
	return About{
		Text: shortVersion(v.Version), Whole: v.Version, Version: int(v.VersionNum),
		DB9: strings.Contains(strings.ToLower(v.Version), "db9"), StandIn: probe.Simulated(v.Version),
	}, nil
}

// shortVersion cuts "PostgreSQL 15.18 (Debian ...) on x86_64, compiled by ..." to its first words.
func shortVersion(v string) string {
	if i := strings.IndexAny(v, "(,"); i > 0 {
		v = v[:i]
	}
	if i := strings.Index(v, " on "); i > 0 {
		v = v[:i]
	}
	return strings.TrimSpace(v)
}

// AvailableExtensions lists what the target can install; nil when it does not say.
func AvailableExtensions(ctx context.Context, q Querier) ([]string, error) {
	return unlessUnknown(list[string](ctx, q, "available_extensions"))
}

// Collations lists the target's collations by name; nil when it does not say.
func Collations(ctx context.Context, q Querier) ([]string, error) {
	return unlessUnknown(list[string](ctx, q, "collations"))
}

// Roles lists the target's roles, and says whether the one that loads obeys
// policies that are forced on a table's owner. Where the target does not tell,
// the list is nil.
func Roles(ctx context.Context, q Querier) (names []string, obeys bool, err error) {
	type role struct {
		Name  string `db:"name"`
		Obeys bool   `db:"obeys"`
	}
	all, err := rows[role](ctx, q, "target_roles")
	if err != nil {
		if unknownThere(err) || notTold(err) {
			return nil, false, nil
		}
		return nil, false, err
	}
	for _, r := range all {
		names = append(names, r.Name)
		obeys = obeys || r.Obeys
	}
	return names, obeys, nil
}

func unlessUnknown(names []string, err error) ([]string, error) {
	if err != nil && unknownThere(err) {
		return nil, nil
	}
	return names, err
}

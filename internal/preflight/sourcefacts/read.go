package sourcefacts

import (
	"context"
	"embed"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"

	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/provider"
)

// Querier is the part of a connection that is used here. It must not be in a
// transaction, which the first refusal would end.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Params say what to read.
type Params struct {
	Host string // as the user named it; "" for none
}

//go:embed queries/*.sql
var queries embed.FS

func text(name string) string {
	b, err := queries.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic("sourcefacts: no query " + name) // a mistake in this package
	}
	return string(b)
}

// reader reads facts one after the other.
type reader struct {
	q     Querier
	p     Params
	facts *Facts
}

// Read asks a source for everything but what stands between (see Between). An
// error is a connection that broke, or a server that does not know who it is;
// what a role may not read is in Unknown.
func Read(ctx context.Context, q Querier, p Params) (*Facts, error) {
	r := &reader{q: q, p: p, facts: &Facts{
		Transactions: []Transaction{}, Prepared: []Prepared{}, Slots: []Slot{}, Limits: []Limit{}, Unknown: []Unknown{},
		Pooler: Pooler{Evidence: []string{}}, Rights: Rights{Missing: []Missing{}, Script: []string{}},
	}}
	if err := r.session(ctx); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		what string
		read func(context.Context) error
	}{
		{"size of the database", r.size},
		{"system identifier", r.system},
		{"provider", r.provider},
		{"connections", r.connections},
		{"transaction identifiers", r.wraparound},
		{"open transactions", r.transactions},
		{"prepared transactions", r.prepared},
		{"replication slots", r.slots},
		{"limits of time", r.limits},
		{"locks", r.locks},
		{"settings of the standby", r.standby},
		{"rights", r.rights},
	} {
		if err := s.read(ctx); err != nil {
			if !refused(err) {
				return nil, fmt.Errorf("reading the source's %s: %w", s.what, err)
			}
			r.facts.Unknown = append(r.facts.Unknown, Unknown{What: s.what, Why: why(err)})
		}
	}
	r.facts.Xmin = xmin(r.facts)
	return r.facts, nil
}

// refused reports errors that say that a fact is not told to this role, or not
// by this server.
func refused(err error) bool {
	switch dial.SQLState(err) {
	case pgerrcode.InsufficientPrivilege, pgerrcode.UndefinedFunction, pgerrcode.UndefinedTable, pgerrcode.UndefinedColumn,
		pgerrcode.UndefinedObject, pgerrcode.FeatureNotSupported, pgerrcode.InvalidSchemaName, pgerrcode.ObjectNotInPrerequisiteState:
		return true
	}
	return false
}

// why is the server's own sentence.
func why(err error) string {
	s := err.Error()
	if i := strings.Index(s, "ERROR: "); i >= 0 {
		s = s[i+len("ERROR: "):]
	}
	return s
}

func rows[T any](ctx context.Context, q Querier, name string, args ...any) ([]T, error) {
	got, err := q.Query(ctx, text(name), append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	out, err := pgx.CollectRows(got, pgx.RowToStructByName[T])
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", name, err)
	}
	return out, nil
}

func one[T any](ctx context.Context, q Querier, name string, args ...any) (T, error) {
	var none T
	all, err := rows[T](ctx, q, name, args...)
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("query %s: %d rows where one is expected", name, len(all))
	}
	if err != nil {
		return none, err
	}
	return all[0], nil
}

// value runs a query that gives one value.
func value[T any](ctx context.Context, q Querier, name string) (T, error) {
	var none T
	got, err := q.Query(ctx, text(name), pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return none, fmt.Errorf("query %s: %w", name, err)
	}
	v, err := pgx.CollectExactlyOneRow(got, pgx.RowTo[T])
	if err != nil {
		return none, fmt.Errorf("query %s: %w", name, err)
	}
	return v, nil
}

type sessionRow struct {
	Version     string  `db:"version"`
	VersionNum  int32   `db:"version_num"`
	Database    string  `db:"database"`
	Encoding    string  `db:"encoding"`
	Collate     string  `db:"collate"`
	CType       string  `db:"ctype"`
	Monetary    string  `db:"monetary"`
	Now         float64 `db:"now"`
	Started     float64 `db:"started"`
	InRecovery  bool    `db:"in_recovery"`
	Role        string  `db:"role"`
	Superuser   bool    `db:"superuser"`
	BypassRLS   bool    `db:"bypass_rls"`
	Replication bool    `db:"replication"`
	Monitor     bool    `db:"monitor"`
	WALLevel    string  `db:"wal_level"`
}

func (r *reader) session(ctx context.Context) error {
	before := time.Now()
	s, err := one[sessionRow](ctx, r.q, "session")
	if err != nil {
		return fmt.Errorf("asking the source who it is: %w", err)
	}
	trip := time.Since(before)
	f := r.facts
	f.Version, f.VersionNum, f.Database, f.Encoding = s.Version, int(s.VersionNum), s.Database, s.Encoding
	f.Collate, f.CType, f.Monetary, f.WALLevel = s.Collate, s.CType, s.Monetary, s.WALLevel
	f.Role = Role{Name: s.Role, Superuser: s.Superuser, BypassRLS: s.BypassRLS, Replication: s.Replication, Monitor: s.Monitor || s.Superuser}
	f.Clock = clock(s.Now, before, trip)
	if s.InRecovery {
		f.Standby = &Standby{BehindSeconds: -1}
	}
	return nil
}

// clock holds the server's time against the middle of the question's way.
func clock(server float64, asked time.Time, trip time.Duration) Clock {
	at := time.UnixMicro(int64(math.Round(server * 1e6))).UTC()
	return Clock{Server: at, SkewSeconds: at.Sub(asked.Add(trip / 2)).Seconds(), TripSeconds: trip.Seconds()}
}

func (r *reader) size(ctx context.Context) (err error) {
	r.facts.Bytes, err = value[int64](ctx, r.q, "size")
	return err
}

func (r *reader) system(ctx context.Context) (err error) {
	r.facts.SystemID, err = value[string](ctx, r.q, "system")
	return err
}

func (r *reader) connections(ctx context.Context) error {
	type row struct {
		Most          int64 `db:"most"`
		Reserved      int64 `db:"reserved"`
		Used          int64 `db:"used"`
		DatabaseLimit int64 `db:"database_limit"`
		DatabaseUsed  int64 `db:"database_used"`
		RoleLimit     int64 `db:"role_limit"`
		RoleUsed      int64 `db:"role_used"`
	}
	c, err := one[row](ctx, r.q, "connections")
	if err != nil {
		return err
	}
	x := Connections{c.Most, c.Reserved, c.Used, c.DatabaseLimit, c.DatabaseUsed, c.RoleLimit, c.RoleUsed, 0}
	x.Free = x.free(r.facts.Role.Superuser)
	r.facts.Connections = x
	return nil
}

func (r *reader) wraparound(ctx context.Context) error {
	type row struct {
		Database     string `db:"database"`
		XIDs         int64  `db:"xids"`
		MultiXacts   int64  `db:"multixacts"`
		FreezeMaxAge int64  `db:"freeze_max_age"`
	}
	all, err := rows[row](ctx, r.q, "wraparound")
	if err != nil || len(all) == 0 {
		return err
	}
	r.facts.Wraparound = wraparound(all[0].Database, all[0].XIDs, all[0].MultiXacts, all[0].FreezeMaxAge)
	return nil
}

func wraparound(database string, xids, multi, freeze int64) Wraparound {
	return Wraparound{Database: database, XIDs: xids, MultiXacts: multi, FreezeMaxAge: freeze, Share: float64(max(xids, multi)) / (1 << 31)}
}

func (r *reader) limits(ctx context.Context) error {
	type row struct {
		Name   string `db:"name"`
		Given  string `db:"given"`
		Now    string `db:"now"`
		Source string `db:"source"`
	}
	all, err := rows[row](ctx, r.q, "limits")
	for _, l := range all {
		r.facts.Limits = append(r.facts.Limits, Limit{Name: l.Name, Given: l.Given, Source: l.Source, Lifted: l.Now == "0"})
	}
	return err
}

func (r *reader) locks(ctx context.Context) error {
	type row struct {
		PerTransaction int64 `db:"per_transaction"`
		Room           int64 `db:"room"`
		Tables         int64 `db:"tables"`
	}
	l, err := one[row](ctx, r.q, "locks")
	r.facts.Locks = Locks(l)
	return err
}

func (r *reader) standby(ctx context.Context) error {
	if r.facts.Standby == nil {
		return nil
	}
	type row struct {
		Feedback         bool    `db:"feedback"`
		StreamingDelayMS int64   `db:"streaming_delay_ms"`
		ArchiveDelayMS   int64   `db:"archive_delay_ms"`
		BehindSeconds    float64 `db:"behind_seconds"`
	}
	s, err := one[row](ctx, r.q, "standby")
	if err != nil {
		return err
	}
	*r.facts.Standby = Standby(s)
	return nil
}

// IsProviderRole reports whether a role is the source's provider's own.
func (f *Facts) IsProviderRole(role string) bool { return provider.IsRole(f.Provider.Name, role) }

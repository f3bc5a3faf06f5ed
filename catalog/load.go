package catalog

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

//go:embed queries/*.sql
var queryFiles embed.FS

func query(name string) string {
	b, err := queryFiles.ReadFile("queries/" + name + ".sql")
	if err != nil {
		panic(err) // embedded at build time
	}
	return string(b)
}

// Querier is what the reader needs of a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// LoadOptions shape a Load.
type LoadOptions struct {
	// NoSizes leaves the sizes of tables and indexes at 0: reading them opens
	// every file.
	NoSizes bool
	// Dependencies asks for the edges of pg_depend (Database.Dependencies).
	Dependencies bool
}

// Load reads the whole schema of a database. It must run inside a transaction,
// that of the exported snapshot as a rule: the settings under which the server
// renders expressions are local to it. It writes nothing, and sends a fixed
// number of queries, however many objects there are (sequence positions are
// read a few hundred at a time).
func Load(ctx context.Context, q Querier, opts LoadOptions) (*Database, error) {
	r := &reader{q: q, sizes: !opts.NoSizes, edges: opts.Dependencies, db: &Database{}, texts: map[string]string{}}
	for _, step := range []func(context.Context) error{
		r.session, r.database, r.schemas, r.extensions, r.readTypes, r.readUses,
		r.enums, r.domains, r.composites, r.ranges, r.collations, r.tables, r.views, r.columns, r.sequences,
		r.constraints, r.indexes, r.routines, r.triggers, r.eventTriggers, r.rules, r.policies, r.statistics, r.others, r.comments, r.rights, r.dependencies,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r.db.sort()
	return r.db, nil
}

// reader is one Load under way. The OIDs that tie the rows of the queries
// together stay in here.
type reader struct {
	q     Querier
	sizes bool
	edges bool
	db    *Database

	began       float64 // when the transaction began, in seconds
	inRecovery  bool
	types       map[typeKey]Type
	uses        map[objectKey][]Ref
	known       map[objectKey]Comment // what a comment on the object looks like, without its text
	routineRef  map[int64]ObjectRef   // routines by OID: with their argument types, which a comment has apart
	table       map[int64]int         // OID of a table: index into db.Tables
	fields      map[int64]int         // OID of a composite's relation: index into db.Composites
	view        map[int64]int         // OID of a view: index into db.Views
	inherits    map[int64][]Name      // parents of tables and of indexes, by OID
	tableByName map[Name]int
	texts       map[string]string // see text
}

type typeKey struct {
	oid int64
	mod int32
}

type objectKey struct {
	class string
	oid   int64
}

func (r *reader) know(class string, oid int64, c Comment) {
	if r.known == nil {
		r.known = map[objectKey]Comment{}
	}
	r.known[objectKey{class, oid}] = c
}

// collect runs an embedded query and scans its rows by column name, strictly:
// a column without a field, or a field without a column, is an error.
func collect[T any](ctx context.Context, q Querier, name string, args ...any) ([]T, error) {
	var out []T
	err := each(ctx, q, name, func(row T) error {
		out = append(out, row)
		return nil
	}, args...)
	return out, err
}

// each is collect for what may have a row for each column of a hundred thousand
// tables: one row at a time, of which what is kept should be shared (reader.text).
func each[T any](ctx context.Context, q Querier, name string, keep func(T) error, args ...any) error {
	rows, err := q.Query(ctx, query(name), args...)
	if err != nil {
		return fmt.Errorf("reading the catalog (%s): %w", name, err)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := pgx.RowToStructByName[T](rows)
		if err != nil {
			return fmt.Errorf("reading the catalog (%s): %w", name, err)
		}
		if err := keep(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return gone(fmt.Errorf("reading the catalog (%s): %w", name, err), "an object", Name{})
	}
	return nil
}

// text returns one copy of texts that many objects have: names of schemas and
// columns, defaults, operator classes.
func (r *reader) text(s string) string {
	if s == "" {
		return ""
	}
	if t, ok := r.texts[s]; ok {
		return t
	}
	r.texts[s] = s
	return s
}

func (r *reader) allTexts(list []string) []string {
	for i, s := range list {
		list[i] = r.text(s)
	}
	return orNil(list)
}

type sessionRow struct {
	Began                     float64 `db:"began"`
	SearchPath                string  `db:"search_path"`
	QuoteAllIdentifiers       string  `db:"quote_all_identifiers"`
	StandardConformingStrings string  `db:"standard_conforming_strings"`
	DateStyle                 string  `db:"datestyle"`
	IntervalStyle             string  `db:"intervalstyle"`
	TimeZone                  string  `db:"timezone"`
	ExtraFloatDigits          string  `db:"extra_float_digits"`
	ByteaOutput               string  `db:"bytea_output"`
}

func (r *reader) session(ctx context.Context) error {
	rows, err := collect[sessionRow](ctx, r.q, "session")
	if err != nil {
		return fmt.Errorf("setting the session up to read the catalog: %w", err)
	}
	if len(rows) != 1 {
		return fmt.Errorf("setting the session up to read the catalog: %d rows", len(rows))
	}
	r.began = rows[0].Began
	return nil
}

// ErrNoTransaction is a Load outside of a transaction.
var ErrNoTransaction = errors.New("reading the catalog: Load must run inside a transaction; " +
	"its settings are local to one, and without them the server leaves schemas out of the names that it renders")

type databaseRow struct {
	Began         float64 `db:"began"`
	ServerVersion int     `db:"server_version"`
	SearchPath    string  `db:"search_path"`
	Encoding      string  `db:"encoding"`
	InRecovery    bool    `db:"in_recovery"`
	OID           int64   `db:"oid"`
	Name          string  `db:"name"`
	Collate       string  `db:"collate"`
	Ctype         string  `db:"ctype"`
	MoneyZero     string  `db:"money_zero"`
}

func (r *reader) database(ctx context.Context) error {
	rows, err := collect[databaseRow](ctx, r.q, "database")
	if err != nil {
		return err
	}
	if len(rows) != 1 {
		return errors.New("reading the catalog (database): pg_database does not list the current database")
	}
	d := rows[0]
	if d.Began != r.began || d.SearchPath != "" {
		return ErrNoTransaction
	}
	r.inRecovery = d.InRecovery
	r.db.ServerVersion, r.db.Encoding, r.db.Collate, r.db.Ctype = d.ServerVersion, d.Encoding, d.Collate, d.Ctype
	r.db.MoneyDigits = fractionDigits(d.MoneyZero)
	r.know("pg_database", d.OID, Comment{Kind: "database", Name: Name{Name: d.Name}})
	return nil
}

// fractionDigits counts the digits after the point of an amount of money.
func fractionDigits(amount string) int {
	end := strings.LastIndexAny(amount, "0123456789") + 1
	start := end
	for start > 0 && amount[start-1] >= '0' && amount[start-1] <= '9' {
		start--
	}
	if start == 0 || start == end || amount[start-1] != '.' && amount[start-1] != ',' {
		return 0
	}
	return end - start
}

type schemaRow struct {
	OID  int64  `db:"oid"`
	Name string `db:"name"`
}

func (r *reader) schemas(ctx context.Context) error {
	rows, err := collect[schemaRow](ctx, r.q, "schemas")
	for _, s := range rows {
		r.db.Schemas = append(r.db.Schemas, Schema{Name: s.Name})
		r.know("pg_namespace", s.OID, Comment{Kind: "schema", Name: Name{Name: s.Name}})
	}
	return err
}

type extensionRow struct {
	OID           int64    `db:"oid"`
	Name          string   `db:"name"`
	Schema        string   `db:"schema"`
	Version       string   `db:"version"`
	ConfigSchemas []string `db:"config_schemas"`
	ConfigTables  []string `db:"config_tables"`
	ConfigRows    []int64  `db:"config_rows"`
	Members       int64    `db:"members"`
}

func (r *reader) extensions(ctx context.Context) error {
	rows, err := collect[extensionRow](ctx, r.q, "extensions")
	for _, x := range rows {
		ext := Extension{Name: x.Name, Schema: x.Schema, Version: x.Version, Members: x.Members}
		for i, t := range x.ConfigTables {
			n := Name{Schema: x.ConfigSchemas[i], Name: t}
			ext.Config = append(ext.Config, n)
			r.db.Others = append(r.db.Others, Other{Kind: "extension configuration table", Name: n, Count: max(0, x.ConfigRows[i])})
		}
		r.db.Extensions = append(r.db.Extensions, ext)
		r.know("pg_extension", x.OID, Comment{Kind: "extension", Name: Name{Name: x.Name}})
	}
	return err
}

// name is a qualified name that may be missing.
func name(schema, name string) *Name {
	if name == "" {
		return nil
	}
	return &Name{Schema: schema, Name: name}
}

func sortedStrings(s []string) []string {
	slices.Sort(s)
	return orNil(s)
}

// orNil makes "none" the same whether it came as an empty list or as NULL.
func orNil[T any](s []T) []T {
	if len(s) == 0 {
		return nil
	}
	return s
}

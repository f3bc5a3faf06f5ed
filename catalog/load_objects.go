package catalog

import (
	"context"
	"slices"
)

type rangeRow struct {
	OID              int64  `db:"oid"`
	Schema           string `db:"schema"`
	Name             string `db:"name"`
	Subtype          int64  `db:"subtype"`
	MultirangeSchema string `db:"multirange_schema"`
	Multirange       string `db:"multirange"`
	OpClassSchema    string `db:"opclass_schema"`
	OpClass          string `db:"opclass"`
	CollationSchema  string `db:"collation_schema"`
	Collation        string `db:"collation"`
	CanonicalSchema  string `db:"canonical_schema"`
	Canonical        string `db:"canonical"`
	DiffSchema       string `db:"diff_schema"`
	Diff             string `db:"diff"`
}

func (r *reader) ranges(ctx context.Context) error {
	rows, err := collect[rangeRow](ctx, r.q, "ranges")
	for _, t := range rows {
		n := Name{Schema: t.Schema, Name: t.Name}
		r.db.Ranges = append(r.db.Ranges, RangeType{
			Name: n, Subtype: r.types[typeKey{t.Subtype, -1}], Multirange: Name{Schema: t.MultirangeSchema, Name: t.Multirange},
			OpClass: name(t.OpClassSchema, t.OpClass), Collation: name(t.CollationSchema, t.Collation),
			Canonical: name(t.CanonicalSchema, t.Canonical), Diff: name(t.DiffSchema, t.Diff), Uses: r.uses[objectKey{"pg_type", t.OID}],
		})
		r.know("pg_type", t.OID, Comment{Kind: "range type", Name: n})
	}
	return err
}

type statisticsRow struct {
	OID         int64  `db:"oid"`
	Schema      string `db:"schema"`
	Name        string `db:"name"`
	TableSchema string `db:"table_schema"`
	Table       string `db:"table"`
	Def         string `db:"def"`
	StatsTarget int    `db:"stats_target"`
}

func (r *reader) statistics(ctx context.Context) error {
	rows, err := collect[statisticsRow](ctx, r.q, "statistics")
	for _, s := range rows {
		n := Name{Schema: s.Schema, Name: s.Name}
		if s.Def == "" {
			return &GoneError{Kind: "statistics", Name: n}
		}
		r.db.Statistics = append(r.db.Statistics, Statistics{
			Name: n, Table: Name{Schema: s.TableSchema, Name: s.Table}, Def: s.Def, StatsTgt: s.StatsTarget,
			Uses: r.uses[objectKey{"pg_statistic_ext", s.OID}],
		})
		r.know("pg_statistic_ext", s.OID, Comment{Kind: "statistics", Name: n})
	}
	return err
}

type collationRow struct {
	OID           int64  `db:"oid"`
	Schema        string `db:"schema"`
	Name          string `db:"name"`
	Provider      string `db:"provider"`
	Deterministic bool   `db:"deterministic"`
	Locale        string `db:"locale"`
	Collate       string `db:"collate"`
	Ctype         string `db:"ctype"`
	Rules         string `db:"rules"`
	Encoding      string `db:"encoding"`
}

func (r *reader) collations(ctx context.Context) error {
	rows, err := collect[collationRow](ctx, r.q, "collations")
	for _, c := range rows {
		n := Name{Schema: c.Schema, Name: c.Name}
		r.db.Collations = append(r.db.Collations, Collation{
			Name: n, Provider: c.Provider, Deterministic: c.Deterministic, Locale: c.Locale,
			Collate: c.Collate, Ctype: c.Ctype, Rules: c.Rules, Encoding: c.Encoding,
		})
		r.know("pg_collation", c.OID, Comment{Kind: "collation", Name: n})
	}
	return err
}

type defRow struct {
	Class   string   `db:"class"`
	OID     int64    `db:"oid"`
	Def     []string `db:"def"`
	Secrets []string `db:"secrets"`
}

// definitions reads the statements that make the objects of others.
func (r *reader) definitions(ctx context.Context) (map[objectKey]defRow, error) {
	defs := map[objectKey]defRow{}
	for _, file := range []string{"defs_types", "defs_operators", "defs_search", "defs_foreign", "defs_bare", "defs_replication"} {
		rows, err := collect[defRow](ctx, r.q, file)
		if err != nil {
			return nil, err
		}
		for _, d := range rows {
			defs[objectKey{d.Class, d.OID}] = d
		}
	}
	return defs, nil
}

type dependencyRow struct {
	Class     string `db:"class"`
	Obj       int64  `db:"obj"`
	Column    string `db:"column"`
	RefClass  string `db:"ref_class"`
	Ref       int64  `db:"ref"`
	Extension string `db:"extension"`
	Kind      string `db:"kind"`
	Schema    string `db:"schema"`
	Name      string `db:"name"`
}

// dependencies reads the edges between objects that the reader has names for,
// and from those to the members of extensions. It comes after all that knows.
func (r *reader) dependencies(ctx context.Context) error {
	if !r.edges {
		return nil
	}
	return each(ctx, r.q, "dependencies", func(d dependencyRow) error {
		from, known := r.object(d.Class, d.Obj, r.text(d.Column))
		on, knownOn := r.object(d.RefClass, d.Ref, "")
		if d.Extension != "" {
			on, knownOn = ObjectRef{Kind: r.text(d.Kind), Schema: r.text(d.Schema), Name: r.text(d.Name)}, true
		}
		if known && knownOn {
			r.db.Dependencies = append(r.db.Dependencies, Dependency{Object: from, On: on, Extension: r.text(d.Extension)})
		}
		return nil
	})
}

func (db *Database) sortObjects() {
	slices.SortFunc(db.Ranges, func(a, b RangeType) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Statistics, func(a, b Statistics) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Collations, func(a, b Collation) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Dependencies, func(a, b Dependency) int {
		if c := a.Object.compare(b.Object); c != 0 {
			return c
		}
		return a.On.compare(b.On)
	})
}

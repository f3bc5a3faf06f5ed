package probe

import (
	"context"
	_ "embed" // the questions
	"strconv"
	"strings"
)

//go:embed queries/catalogs.sql
var catalogList string

//go:embed queries/described.sql
var describedQuery string

// catalogQueries are the relations and columns that reading a target back
// relies on, each as a question that returns no row.
func catalogQueries() [][2]string {
	var out [][2]string
	for line := range strings.Lines(catalogList) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		_, from, _ := strings.Cut(line, " FROM ")
		relation, _, _ := strings.Cut(from, " ")
		out = append(out, [2]string{relation, line})
	}
	return out
}

// askCatalogs: every column list must be known, a table must be described as it
// is, and OIDs must fit in 32 bits.
func askCatalogs(ctx context.Context, l *lab) answer {
	s := l.open(ctx)
	values := map[string]string{}
	var missing []string
	for _, q := range catalogQueries() {
		if r := s.try(ctx, q[1]); !r.ok() {
			missing = append(missing, strings.TrimPrefix(q[0], "pg_catalog."))
		}
	}
	values["missing"] = strings.Join(missing, " ")

	values["oids"] = "unknown"
	if r := s.try(ctx, "SELECT max(oid::text::bigint) FROM pg_catalog.pg_class"); r.ok() {
		if n, err := strconv.ParseInt(r.value(), 10, 64); err == nil {
			values["oids"] = "32-bit"
			if n >= 1<<32 {
				values["oids"] = "64-bit"
			}
		}
	}

	s.must(ctx, "CREATE TABLE "+in("p26")+" (id integer PRIMARY KEY, v varchar(7) NOT NULL DEFAULT 'x')")
	s.try(ctx, "CREATE TABLE "+in("p26_id")+" (id integer GENERATED ALWAYS AS IDENTITY)")
	s.try(ctx, "CREATE TABLE "+in("p26_gen")+" (a integer, b integer GENERATED ALWAYS AS (a * 2) STORED)")
	values["described"] = "no"
	described := s.try(ctx, describedQuery)
	if described.ok() && described.said() == "varchar(7) typmod 11 a s PRIMARY KEY (id)" {
		values["described"] = "yes"
	}
	evidence := "OIDs " + values["oids"] + ", described " + values["described"]
	if len(missing) > 0 {
		evidence += ", lacks columns or relations of " + values["missing"]
	}
	if values["described"] == "no" {
		evidence += ": " + described.said()
	}
	finding := "complete"
	switch {
	case len(missing) > 0 || values["described"] != "yes":
		finding = "partial"
	case values["oids"] != "32-bit":
		finding = "wide-oids"
	}
	return verdict(finding == "complete", finding, shorten(evidence)).with(values)
}

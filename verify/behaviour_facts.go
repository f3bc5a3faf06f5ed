package verify

import (
	"context"
	_ "embed" // queries
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

//go:embed queries/behaviour_values.sql
var behaviourValuesSQL string

//go:embed queries/behaviour_hooks.sql
var behaviourHooksSQL string

//go:embed queries/behaviour_indexes.sql
var behaviourIndexesSQL string

// behaviourFacts is what the target's own catalog says, by table. They are empty
// of a target that has not PostgreSQL's.
type behaviourFacts struct {
	values  map[catalog.Name][]infoRow
	hooks   map[catalog.Name][]infoRow
	indexes map[catalog.Name][]infoRow
}

func (b *behaviour) readFacts(ctx context.Context, schemas []string) (f behaviourFacts, err error) {
	f = behaviourFacts{values: map[catalog.Name][]infoRow{}, hooks: map[catalog.Name][]infoRow{}, indexes: map[catalog.Name][]infoRow{}}
	if !b.full {
		for _, h := range promisedHanging(b.v.p.Plan, b.v.p.Missing) {
			if h.object.Kind == "trigger" || h.object.Kind == "rule" {
				f.hooks[h.home] = append(f.hooks[h.home], infoRow{"name": h.object.Kind + " " + h.object.Name, "always": "t"})
			}
		}
		return f, nil
	}
	for _, q := range []struct {
		sql string
		to  map[catalog.Name][]infoRow
	}{{behaviourValuesSQL, f.values}, {behaviourHooksSQL, f.hooks}, {behaviourIndexesSQL, f.indexes}} {
		for _, schema := range schemas {
			rows, err := readView(ctx, b.conn, "(\n"+q.sql+"\n) q", "schema", schema)
			if err != nil {
				return f, fmt.Errorf("asking the target for what acts on its rows: %w", err)
			}
			for _, r := range rows {
				n := catalog.Name{Schema: schema, Name: r["table"]}
				q.to[n] = append(q.to[n], r)
			}
		}
	}
	return f, nil
}

// hooked says what of the user's would act on rows of a table that are written,
// and cannot be kept from it: a transaction that is rolled back takes back what
// it wrote, and nothing that it did elsewhere.
func (b *behaviour) hooked(t catalog.Name, keys bool) string {
	for _, r := range b.facts.hooks[t] {
		if keys || !b.replica || r["always"] == "t" {
			return r["name"] + " would act, and what it does beside rows is not taken back"
		}
	}
	return ""
}

// quiet keeps the user's triggers from acting.
func (b *behaviour) quiet(t catalog.Name) []string {
	if len(b.facts.hooks[t]) > 0 && b.replica {
		return []string{"SET LOCAL session_replication_role = replica"}
	}
	return nil
}

// indexNames are an index's own name and those of its parts on partitions.
func (b *behaviour) indexNames(t catalog.Name, name string) []string {
	for _, r := range b.facts.indexes[t] {
		if r["name"] == name {
			return append(strings.Split(r["names"], "\n"), name)
		}
	}
	return []string{name}
}

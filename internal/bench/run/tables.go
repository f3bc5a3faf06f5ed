package run

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/copier"
	"github.com/pg2db9/pg2db9/ddlgen"
	"github.com/pg2db9/pg2db9/internal/dial"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// tables are a source's own, in one snapshot.
type tables struct {
	snapshot *copier.Snapshot
	plan     *ddlgen.Plan
	creates  []string // tables of the measurement's own schema
	keys     []string
	inline   []string // the same tables with their keys
}

// openTables opens a snapshot of the source, and plans to copy its tables into
// the measurement's schema.
func openTables(ctx context.Context, source *dial.Endpoint, profile ddlgen.Profile, filter catalog.Filter) (t *tables, err error) {
	t = &tables{}
	t.snapshot, err = copier.OpenSnapshot(ctx, copier.SnapshotParams{Source: source, Settings: copier.ReaderSettings(profile), Match: filter.Match})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			t.snapshot.Close(ctx)
		}
	}()
	db, err := catalog.Load(ctx, t.snapshot.Conn(), catalog.LoadOptions{})
	if err != nil {
		return nil, err
	}
	if db, _, err = db.Select(filter); err != nil {
		return nil, err
	}
	plan, err := ddlgen.Generate(db, profile, ddlgen.Options{OnlyData: true})
	if err != nil {
		return nil, err
	}
	own := *plan
	own.Transfers, own.Sequences = nil, nil
	for _, x := range plan.Transfers {
		if len(x.Relations) == 0 || len(x.Columns) == 0 {
			continue
		}
		x.Target = catalog.Name{Schema: Schema, Name: fmt.Sprintf("t%d", len(own.Transfers)+1)}
		own.Transfers = append(own.Transfers, x)
		t.make(&x)
	}
	if len(own.Transfers) == 0 {
		return nil, errors.New("the source has no table with rows to read: name others (--include-table)")
	}
	t.plan = &own
	return t, nil
}

// make plans one table: columns of built-in types as they are, of others as text,
// since a measurement makes no types; and its key.
func (t *tables) make(x *ddlgen.Transfer) {
	var cols []string
	for _, c := range x.Columns {
		typ := c.TargetType
		if s := c.SourceType; typ == "" || s != nil && s.Name.Schema != "pg_catalog" && c.TargetType == s.Text {
			typ = "text"
		}
		cols = append(cols, quote.Ident(c.Target)+" "+typ)
	}
	name := quote.Name(x.Target.Schema, x.Target.Name)
	list := strings.Join(cols, ", ")
	t.creates = append(t.creates, fmt.Sprintf("CREATE TABLE %s (%s)", name, list))
	if len(x.Key) == 0 {
		t.inline = append(t.inline, t.creates[len(t.creates)-1])
		return
	}
	t.inline = append(t.inline, fmt.Sprintf("CREATE TABLE %s (%s, PRIMARY KEY (%s))", name, list, quote.Idents(x.Key)))
	t.keys = append(t.keys, fmt.Sprintf("ALTER TABLE %s ADD PRIMARY KEY (%s)", name, quote.Idents(x.Key)))
}

package sourcefacts

import (
	"context"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/internal/dial/quote"
	"github.com/pg2db9/pg2db9/internal/provider"
)

// Rights are what the role lacks to read everything, and the script that gives
// it.
type Rights struct {
	Missing []Missing `json:"missing"`
	Script  []string  `json:"script"` // lines of SQL, for psql on the source
}

// Missing is a table or sequence that the role may not read as it should.
type Missing struct {
	Kind        string `json:"kind"` // table, sequence
	Schema      string `json:"schema"`
	Name        string `json:"name"`
	Owner       string `json:"owner"`
	SchemaOwner string `json:"schema_owner"`
	Usage       bool   `json:"lacks_usage"`  // of the schema
	Select      bool   `json:"lacks_select"` // of the object
	ColumnsOnly bool   `json:"columns_only"` // may read some columns, which does not suffice
	RowSecurity bool   `json:"row_security"` // policies would hide rows
	Forced      bool   `json:"forced"`       // from the owner too
}

func (r *reader) rights(ctx context.Context) error {
	type row struct {
		Kind        string `db:"kind"`
		Schema      string `db:"schema"`
		Name        string `db:"name"`
		SchemaOwner string `db:"schema_owner"`
		Owner       string `db:"owner"`
		Usage       bool   `db:"usage"`
		Readable    bool   `db:"readable"`
		ColumnsOnly bool   `db:"columns_only"`
		Filtered    bool   `db:"filtered"`
		Forced      bool   `db:"forced"`
	}
	all, err := rows[row](ctx, r.q, "rights")
	if err != nil {
		return err
	}
	for _, x := range all {
		kind := "table"
		if x.Kind == "S" {
			kind = "sequence"
		}
		r.facts.Rights.Missing = append(r.facts.Rights.Missing, Missing{
			Kind: kind, Schema: x.Schema, Name: x.Name, Owner: x.Owner, SchemaOwner: x.SchemaOwner,
			Usage: !x.Usage, Select: !x.Readable, ColumnsOnly: x.ColumnsOnly, RowSecurity: x.Filtered, Forced: x.Forced,
		})
	}
	own := r.facts.Provider.SchemaNames() // what is missing there counts where the user asks for it
	r.facts.Rights.Script = GrantScript(r.facts.Role.Name, r.facts.Provider.Name,
		slices.DeleteFunc(slices.Clone(r.facts.Rights.Missing), func(m Missing) bool { return slices.Contains(own, m.Schema) }))
	return nil
}

// OnlyRights keeps the rights that are missing on what is to be read, and makes
// the script anew.
func (f *Facts) OnlyRights(read func(Missing) bool) {
	f.Rights.Missing = slices.DeleteFunc(slices.Clone(f.Rights.Missing), func(m Missing) bool { return !read(m) })
	f.Rights.Script = GrantScript(f.Role.Name, f.Provider.Name, f.Rights.Missing)
}

// namesInGrant is how many objects one GRANT names: a line is still one that can
// be read.
const namesInGrant = 20

// GrantScript gives a role what it lacks, as lines of SQL that run as they
// stand: by a superuser whole, or each part by the role that its comment names.
// Row security cannot be granted away: BYPASSRLS is asked for, or where a
// service has no superuser to give it, membership in the owner, whom policies
// do not bind unless they are forced.
func GrantScript(role string, at provider.Name, missing []Missing) []string {
	g := &grants{forms: map[string][]string{}, names: map[[2]string][]string{}}
	for _, m := range missing {
		if m.Usage {
			g.add(m.SchemaOwner, "USAGE ON SCHEMA", quote.Ident(m.Schema))
		}
	}
	for _, m := range missing {
		switch {
		case m.Select && m.Kind == "sequence":
			g.add(m.Owner, "SELECT ON SEQUENCE", quote.Name(m.Schema, m.Name))
		case m.Select:
			g.add(m.Owner, "SELECT ON TABLE", quote.Name(m.Schema, m.Name))
		}
	}
	return append(g.lines(quote.Ident(role)), rowSecurity(role, at, missing)...)
}

// grants are GRANTs by who may give them.
type grants struct {
	owners []string
	forms  map[string][]string    // of an owner, in their order: "SELECT ON TABLE"
	names  map[[2]string][]string // of an owner and a form, quoted
}

func (g *grants) add(owner, form, name string) {
	if !slices.Contains(g.owners, owner) {
		g.owners = append(g.owners, owner)
	}
	if !slices.Contains(g.forms[owner], form) {
		g.forms[owner] = append(g.forms[owner], form)
	}
	key := [2]string{owner, form}
	if !slices.Contains(g.names[key], name) {
		g.names[key] = append(g.names[key], name)
	}
}

func (g *grants) lines(role string) []string {
	out := []string{}
	slices.Sort(g.owners)
	for _, owner := range g.owners {
		out = append(out, "-- as "+comment(owner)+", or a superuser:")
		for _, form := range g.forms[owner] {
			names := g.names[[2]string{owner, form}]
			slices.Sort(names)
			for some := range slices.Chunk(names, namesInGrant) {
				out = append(out, "GRANT "+form+" "+strings.Join(some, ", ")+" TO "+role+";")
			}
		}
	}
	return out
}

// rowSecurity are the lines that let a role read past policies.
func rowSecurity(role string, at provider.Name, missing []Missing) []string {
	var owners []string
	forced := false
	for _, m := range missing {
		if m.RowSecurity {
			forced = forced || m.Forced || m.Owner == role
			if !slices.Contains(owners, m.Owner) {
				owners = append(owners, m.Owner)
			}
		}
	}
	switch {
	case len(owners) == 0:
		return nil
	case forced || at == "":
		return []string{"-- as a superuser: policies would hide rows", "ALTER ROLE " + quote.Ident(role) + " BYPASSRLS;"}
	}
	out := []string{"-- policies would hide rows; they do not bind who acts as the tables' owner:"}
	slices.Sort(owners)
	for _, o := range owners {
		out = append(out, "GRANT "+quote.Ident(o)+" TO "+quote.Ident(role)+";")
	}
	return out
}

// comment keeps a name from ending the comment it stands in.
func comment(name string) string { return strings.NewReplacer("\n", " ", "\r", " ").Replace(name) }

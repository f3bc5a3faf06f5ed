package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

func tableID(n catalog.Name) string { return "tables/" + n.String() }

// tableStatements creates the tables, and records what reading them back must
// show and how their rows travel.
func (p *planner) tableStatements() {
	for _, t := range p.tables {
		if t.carried {
			p.namedNotNulls(t)
			p.tableFindings(t)
		}
	}
	for _, t := range p.tables {
		if !t.carried {
			continue
		}
		t.inline = p.inlineKey(t)
		p.createTable(t)
		p.expected(t)
		p.transfer(t)
	}
	for _, t := range p.tables {
		if t.into != nil {
			p.flattened(t)
		}
	}
}

func (p *planner) createTable(t *tablePlan) {
	name := t.t.Name
	o := tableObject(name)
	id := tableID(name)
	var carries []finding.Object
	columns := make([]string, 0, len(t.columns))
	var lines []string
	for i := range t.columns {
		c := &t.columns[i]
		columns = append(columns, c.c.Name)
		if c.sequence != nil {
			carries = append(carries, sequenceObject(c.sequence.Name))
		}
		if t.shape == inherits && !c.c.Local {
			continue
		}
		lines = append(lines, p.clause(c))
	}
	if t.inline != nil {
		lines = append(lines, "CONSTRAINT "+ident(t.inline.Name)+" "+p.keyDef(t.inline))
		carries = append(carries, constraintObject(t.inline))
		if x := p.model.constraintIndex(t.inline); x != nil {
			carries = append(carries, indexObject(x))
		}
	}
	inline, objects := p.inlineConstraints(t)
	lines = append(lines, inline...)
	carries = append(carries, objects...)

	var b strings.Builder
	b.WriteString("CREATE ")
	if t.t.Unlogged && p.unlogged(t) {
		b.WriteString("UNLOGGED ")
	}
	b.WriteString("TABLE " + quoted(name) + " (")
	for i, l := range lines {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n    " + l)
	}
	if len(lines) > 0 {
		b.WriteString("\n")
	}
	b.WriteString(")")
	if t.shape == inherits {
		b.WriteString(" INHERITS (" + quotedNames(t.parents) + ")")
	}
	if t.isRoot() {
		b.WriteString(" PARTITION BY " + string(t.t.PartitionKey))
	}
	if p.accessMethod(t) {
		b.WriteString(" USING " + ident(t.t.AccessMeth))
	}
	if len(t.t.Options) > 0 && p.profile.StorageOptions {
		b.WriteString(" WITH (" + options(t.t.Options) + ")")
	}
	p.use(p.add(Statement{
		ID: id, Phase: PhaseTables, Object: o, Table: &t.t.Name, SQL: strings.Clone(b.String()), Columns: columns, Carries: slices.Clip(carries), After: p.tableAfter(t),
		Undo: "DROP TABLE " + quoted(name),
	}), p.tableRefs(t))
	p.tableAlters(t)
}

// tableAfter names the tables that must stand before this one: parents, those
// whose rows are a column's type, those whose identity sequence a default calls.
func (p *planner) tableAfter(t *tablePlan) []string {
	var ids []string
	need := func(n catalog.Name) {
		if up := p.tableOf(n); up != nil && up.carried && up != t {
			ids = append(ids, tableID(n))
		}
	}
	if t.shape == inherits {
		for _, parent := range t.parents {
			need(parent)
		}
	}
	for i := range t.columns {
		c := &t.columns[i]
		if !p.profile.Map && c.c.Type.Kind == catalog.KindComposite && c.typ.code == "" {
			need(c.c.Type.Name)
		}
		for _, u := range c.uses {
			if home, ok := p.seqHome[u.Name]; ok && (u.Kind == "sequence" || u.Kind == "table") {
				need(home)
			}
			if u.Kind == "table" || u.Kind == "type" {
				need(u.Name)
			}
		}
	}
	for c := range p.model.constraints.of(t.t.Name) {
		if c.Kind != catalog.Check || !p.checkInline(t, c) {
			continue
		}
		for _, u := range c.Uses {
			if u.Kind == "table" || u.Kind == "type" {
				need(u.Name)
			}
		}
	}
	return ids
}

// tableRefs is what CREATE TABLE uses of what stands beside tables.
func (p *planner) tableRefs(t *tablePlan) []catalog.Ref {
	var refs []catalog.Ref
	for i := range t.columns {
		c := &t.columns[i]
		if !p.profile.Map && c.typ.code != typeUnavailable {
			refs = append(refs, p.typeRefs(c.c.Type)...)
		}
		if c.generated != 0 || !p.defaultAfter(c) {
			refs = append(refs, c.uses...)
		}
	}
	if t.isRoot() {
		refs = append(refs, t.t.Uses...)
	}
	if p.accessMethod(t) {
		refs = append(refs, catalog.Ref{Kind: "access method", Name: catalog.Name{Name: t.t.AccessMeth}})
	}
	for c := range p.model.constraints.of(t.t.Name) {
		switch {
		case c.Kind == catalog.Check && p.checkInline(t, c):
			refs = append(refs, c.Uses...)
		case c == t.inline:
			if x := p.model.constraintIndex(c); x != nil {
				refs = append(refs, x.Uses...)
			}
		}
	}
	return slices.DeleteFunc(refs, func(r catalog.Ref) bool { return p.nodeOf(r) == nil })
}

// tableAlters sets what CREATE TABLE cannot say.
func (p *planner) tableAlters(t *tablePlan) {
	name := t.t.Name
	base := tableID(name)
	last := base
	alter := func(id, sql, undo string, optional bool, after ...string) {
		if undo != "" {
			undo = "ALTER TABLE " + undo
		}
		last = p.add(Statement{
			ID: base + "/" + id, Phase: PhaseTables, Object: tableObject(name), Table: &name,
			SQL: "ALTER TABLE " + sql, Undo: undo, After: append(after, last), Optional: optional,
		})
	}
	for i := range t.columns {
		c := &t.columns[i]
		column := "ONLY " + quoted(name) + " ALTER COLUMN " + ident(c.c.Name)
		if t.shape == inherits && !c.c.Local {
			p.overrides(t, c, func(what, clause, undo string) { alter(c.c.Name+"/"+what, column+" "+clause, column+" "+undo, false) })
		}
		for _, s := range p.columnSettings(c) {
			alter(c.c.Name+"/"+s[0], column+" "+s[1], column+" "+s[2], true)
		}
	}
	if r := t.t.ReplIdent; (r == catalog.ReplicaFull || r == catalog.ReplicaNothing) && p.profile.StorageOptions {
		alter("replica-identity", "ONLY "+quoted(name)+" REPLICA IDENTITY "+strings.ToUpper(r.String()), "ONLY "+quoted(name)+" REPLICA IDENTITY DEFAULT", true)
	}
	switch t.shape {
	case attached:
		parent := t.parents[0]
		alter("attach", fmt.Sprintf("ONLY %s ATTACH PARTITION %s %s", quoted(parent), quoted(name), t.t.Bound),
			fmt.Sprintf("ONLY %s DETACH PARTITION %s", quoted(parent), quoted(name)), false, tableID(parent))
	case adopted:
		for _, parent := range t.parents {
			alter("inherit "+parent.String(), fmt.Sprintf("ONLY %s INHERIT %s", quoted(name), quoted(parent)),
				fmt.Sprintf("ONLY %s NO INHERIT %s", quoted(name), quoted(parent)), false, tableID(parent))
		}
	case plain, inherits:
	}
}

// overrides sets default and NOT NULL of an inherited column where the child
// differs from what it inherits.
func (p *planner) overrides(t *tablePlan, c *columnPlan, alter func(what, clause, undo string)) {
	var def string
	var notNull bool
	for _, parent := range t.parents {
		up := p.tableOf(parent).column(c.c.Name)
		if up == nil {
			continue
		}
		if def == "" && up.generated == 0 {
			def = up.def
		}
		notNull = notNull || up.notNull
	}
	switch {
	case c.generated != 0:
	case c.def != "" && c.def != def && !p.defaultAfter(c):
		alter("default", "SET DEFAULT "+c.def, "DROP DEFAULT")
	case c.def == "" && def != "":
		alter("default", "DROP DEFAULT", "SET DEFAULT "+def)
	}
	if c.notNull && !notNull && !c.invalid {
		alter("not-null", "SET NOT NULL", "DROP NOT NULL")
	}
}

// columnSettings are the storage settings of a column, each with a word for its
// statement's ID and what takes it back. They change no result, so that their
// failure stops nothing.
func (p *planner) columnSettings(c *columnPlan) [][3]string {
	var out [][3]string
	if c.c.Storage != 0 {
		out = append(out, [3]string{"storage", "SET STORAGE " + strings.ToUpper(c.c.Storage.String()), "SET STORAGE " + p.usualStorage(c.c)})
	}
	if c.c.Compress != 0 && p.has(14) {
		out = append(out, [3]string{"compression", "SET COMPRESSION " + c.c.Compress.String(), "SET COMPRESSION DEFAULT"})
	}
	if c.c.StatsTgt >= 0 {
		out = append(out, [3]string{"statistics", fmt.Sprintf("SET STATISTICS %d", c.c.StatsTgt), "SET STATISTICS -1"})
	}
	if len(c.c.Options) > 0 {
		out = append(out, [3]string{"options", "SET (" + options(c.c.Options) + ")", "RESET (" + optionNames(c.c.Options) + ")"})
	}
	if !p.profile.StorageOptions {
		return nil
	}
	return out
}

// usualStorage is the storage that a column's type gives it.
func (p *planner) usualStorage(c *catalog.Column) string {
	switch {
	case p.has(16):
		return "DEFAULT"
	case !c.Type.Array && (c.Type.Name.Name == "numeric" || c.Type.Name.Name == "inet" || c.Type.Name.Name == "cidr"):
		return "MAIN"
	}
	return "EXTENDED"
}

// accessMethod says whether a table keeps its access method, one of the user's.
func (p *planner) accessMethod(t *tablePlan) bool {
	n := p.node[refKey{"access method", catalog.Name{Name: t.t.AccessMeth}}]
	return n != nil && p.whyLeft(n) == "" && (!t.isRoot() || p.has(17))
}

// unlogged says whether the target's table is unlogged as the source's is.
func (p *planner) unlogged(t *tablePlan) bool {
	switch {
	case !p.profile.Unlogged:
		p.find(tableLogged, tableObject(t.t.Name), "the table is logged on the target")
	case t.isRoot() && p.has(18):
		p.find(tableLogged, tableObject(t.t.Name), "%s has no unlogged partitioned tables; the partitions are as they were", p.majorText())
	default:
		return true
	}
	return false
}

// tableFindings names what a table loses as a whole.
func (p *planner) tableFindings(t *tablePlan) {
	o := tableObject(t.t.Name)
	if !p.profile.StorageOptions {
		if len(t.t.Options) > 0 {
			p.find(tableOptions, o, "WITH (%s) is not kept", strings.Join(t.t.Options, ", "))
		}
		for i := range t.columns {
			c := t.columns[i].c
			if c.Storage != 0 || c.Compress != 0 || c.StatsTgt >= 0 || len(c.Options) > 0 {
				p.find(tableOptions, columnObject(t.t.Name, c.Name), "storage, compression, statistics target and options of the column are not kept")
			}
		}
		if t.t.ReplIdent != 0 {
			p.find(tableOptions, o, "REPLICA IDENTITY %s is not kept", strings.ToUpper(t.t.ReplIdent.String()))
		}
	}
	if t.t.Tablespace != "" {
		p.find(tablePlace, o, "tablespace %s is not kept", t.t.Tablespace)
	}
	if t.t.AccessMeth != "" && t.t.AccessMeth != "heap" && !p.accessMethod(t) {
		p.find(tableAccess, o, "access method %s is not kept", t.t.AccessMeth)
	}
	if t.t.OfType != nil {
		p.find(tableTyped, o, "a table of type %s becomes a plain one", t.t.OfType)
	}
}

// flattened accounts for a partition that has become part of its root.
func (p *planner) flattened(t *tablePlan) {
	id := tableID(t.into.t.Name)
	p.carry(id, tableObject(t.t.Name))
	for i := range t.t.Columns {
		c := &t.t.Columns[i]
		p.carry(id, columnObject(t.t.Name, c.Name))
		root := column(t.into.t, c.Name)
		if root == nil || c.Generated != 0 || c.Default == root.Default {
			continue
		}
		p.find(defaultLost, columnObject(t.t.Name, c.Name), "the partition's own default is lost: the root's is %s", orNone(string(root.Default)))
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// options renders "fillfactor=70" as fillfactor='70'.
func options(list []string) string {
	out := make([]string, len(list))
	for i, o := range list {
		key, value, _ := strings.Cut(o, "=")
		out[i] = key + "=" + literal(value)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func optionNames(list []string) string {
	out := make([]string, len(list))
	for i, o := range list {
		out[i], _, _ = strings.Cut(o, "=")
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func quotedNames(list []catalog.Name) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = quoted(n)
	}
	return strings.Join(out, ", ")
}

package ddlgen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// rights carries owners and privileges where they are asked for. They come
// last: until then all is the property of the role that loads. Each statement
// may fail without harm to the rows, and says so (T29).
func (p *planner) rights() {
	p.owners()
	p.grants()
	p.defaultPrivileges()
	p.settings()
	for _, l := range p.db.SecurityLabels {
		p.find(labelLeft, rightObject("security label of "+l.Provider+" on", l.Object), "label %s of provider %s is not carried", literal(l.Label), l.Provider)
	}
}

// rightObject names something that is said of an object, as commentObject does.
func rightObject(what string, o catalog.ObjectRef) finding.Object {
	return finding.Object{Kind: what + " " + o.Kind, Schema: o.Schema, Name: o.Name, Parent: o.Parent}
}

// group notes an object that is told of together with others of its kind, with
// one finding for all of one code, scope and reason.
func (p *planner) group(code finding.Code, kind, scope, why string, o finding.Object) {
	i := slices.IndexFunc(p.groups, func(g grouped) bool { return g.code == code && g.kind == kind && g.scope == scope && g.why == why })
	if i < 0 {
		i = len(p.groups)
		p.groups = append(p.groups, grouped{code: code, kind: kind, scope: scope, why: why})
	}
	p.groups[i].objects = append(p.groups[i].objects, p.names.sourceObject(o))
}

// grouped are objects that share a finding.
type grouped struct {
	code             finding.Code
	kind, scope, why string
	objects          []finding.Object
}

// mostNamed is how many objects the message of a group's finding names; the
// plan has them all.
const mostNamed = 3

// tellGroups makes the findings of groups.
func (p *planner) tellGroups() []Group {
	var out []Group
	for _, g := range p.groups {
		objects := compactObjects(g.objects)
		names := make([]string, 0, mostNamed)
		for _, o := range objects[:min(len(objects), mostNamed)] {
			names = append(names, o.String())
		}
		list := strings.Join(names, ", ")
		if n := len(objects) - mostNamed; n > 0 {
			list += fmt.Sprintf(" and %d more", n)
		}
		p.find(g.code, finding.Object{Kind: g.kind, Name: g.scope}, "%s (%d: %s)", g.why, len(objects), list)
		i := slices.IndexFunc(out, func(x Group) bool { return x.Code == g.code })
		if i < 0 {
			i = len(out)
			out = append(out, Group{Code: g.code})
		}
		out[i].Objects = append(out[i].Objects, objects...)
	}
	slices.SortFunc(out, func(a, b Group) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return out
}

// compactObjects leaves each object once, in its order.
func compactObjects(list []finding.Object) []finding.Object {
	seen := map[finding.Object]bool{}
	return slices.DeleteFunc(slices.Clone(list), func(o finding.Object) bool {
		again := seen[o]
		seen[o] = true
		return again
	})
}

// rightOn says why nothing can be said about an object on the target; empty
// where it is there.
func (p *planner) rightOn(o catalog.ObjectRef) string {
	const gone = "what they are about is not carried"
	n := catalog.Name{Schema: o.Schema, Name: o.Name}
	table := n
	if o.Parent != "" {
		table.Name = o.Parent
	}
	var there bool
	switch {
	case o.Kind == "database":
		return "the target's database is another one"
	case builtIn(o.Schema) || o.Kind == "schema" && builtIn(o.Name):
		there = !p.profile.Map
	case o.Kind == "schema":
		there = p.model.schemas[o.Name]
	case o.Kind == "table":
		there = p.tableCarried(n)
	case o.Kind == "column" && p.tableOf(table) != nil:
		there = p.tableCarried(table) && p.tableOf(table).column(o.Name) != nil
	case o.Kind == "column":
		ref := p.hangsOn(table)
		there = p.maker(objectOf(ref.Kind, table)) != ""
	case o.Kind == "sequence":
		_, there = p.seqName[n]
	case p.own(o):
		there = p.maker(objectOf(o.Kind, n)) != ""
	default: // a member of an extension, or a language of PostgreSQL's
		there = !p.profile.Map
	}
	if there {
		return ""
	}
	return gone
}

// own says whether an object is one of the model's.
func (p *planner) own(o catalog.ObjectRef) bool {
	n := catalog.Name{Schema: o.Schema, Name: o.Name}
	return p.node[keyFor(o.Kind, n)] != nil || p.model.enums[n] != nil ||
		slices.ContainsFunc(p.db.Others, func(x catalog.Other) bool { return x.Kind == o.Kind && x.Name == n })
}

// databaseOwner is whose the database is; empty where the model does not say.
func (p *planner) databaseOwner() string {
	for i := range p.db.Owners {
		if p.db.Owners[i].Object.Kind == "database" {
			return p.db.Owners[i].Role
		}
	}
	return ""
}

// owners gives objects to the roles that they belong to. What belongs to the
// database's own owner is told of nobody: on the target it belongs to the role
// that loads it.
func (p *planner) owners() {
	home := p.databaseOwner()
	follow := map[catalog.Name][]finding.Object{} // sequences by the table that they go with
	for i := range p.db.Owners {
		w := &p.db.Owners[i]
		o := rightObject("owner of", w.Object)
		if table := p.followed(w.Object); table != nil && p.opts.Owners {
			follow[*table] = append(follow[*table], o)
			continue
		}
		switch why := p.rightOn(w.Object); {
		case w.Object.Kind == "database" || !p.opts.Owners && w.Role == home:
		case !p.opts.Owners:
			p.group(ownerLeft, "owners", "of the source", "on the target all belongs to the role that loads it; --owners gives them back", o)
		case why != "":
			p.group(ownerLeft, "owners", "of what is left", why, o)
		case !p.hasRole(w.Role):
			p.group(ownerLeft, "owners", "to role "+w.Role, "the role is not on the target", o)
		default:
			p.owner(w, o)
		}
	}
	for _, t := range p.tables {
		for _, o := range follow[t.t.Name] {
			if id := p.maker(finding.Object{Kind: "owner of table", Schema: t.t.Name.Schema, Name: t.t.Name.Name}); id != "" {
				p.carry(id, o)
			} else {
				p.group(ownerLeft, "owners", "of sequences", "they go with their tables, whose owners are not set", o)
			}
		}
	}
}

// followed is the table whose owner a sequence shares; nil of anything else.
func (p *planner) followed(o catalog.ObjectRef) *catalog.Name {
	if o.Kind != "sequence" {
		return nil
	}
	s := p.model.sequences.get(catalog.Name{Schema: o.Schema, Name: o.Name})
	if s == nil || s.Owner == nil || !p.tableCarried(s.Owner.Table) {
		return nil
	}
	return &s.Owner.Table
}

func (p *planner) owner(w *catalog.Owner, o finding.Object) {
	n := catalog.Name{Schema: w.Object.Schema, Name: w.Object.Name}
	if target, ok := p.seqName[n]; ok && w.Object.Kind == "sequence" {
		n = target
	}
	sql := p.named(w.Object.Kind, n)
	if sql == "" || w.Object.Kind == "extension" {
		p.group(ownerLeft, "owners", "of what has none", "such objects cannot be given away", o)
		return
	}
	p.add(Statement{
		ID: "owners/" + w.Object.String(), Phase: PhaseRights, Object: o, Optional: true,
		SQL: "ALTER " + sql + " OWNER TO " + ident(w.Role), After: p.afterRoles(w.Role),
	})
}

// settings names what is set by ALTER DATABASE and ALTER ROLE: applications
// rely on it without a word in their own code.
func (p *planner) settings() {
	for i := range p.db.Settings {
		s := &p.db.Settings[i]
		value := "to " + settingValue(s)
		if s.Unread {
			value = "to a value that was not read, since it may be a secret"
		}
		whom := "for the database"
		switch {
		case s.Role != "" && s.Database:
			whom = "for role " + s.Role + " in the database"
		case s.Role != "":
			whom = "for role " + s.Role
		}
		p.find(settingLeft, settingObject(s), "it is set %s %s, and not carried", value, whom)
	}
}

func settingObject(s *catalog.Setting) finding.Object {
	name := s.Name
	if s.Role != "" {
		name += " OF ROLE " + s.Role
	}
	if !s.Database {
		name += " IN ALL DATABASES"
	}
	return finding.Object{Kind: "setting", Name: name}
}

// settingValue writes the value of a setting as SET takes it.
func settingValue(s *catalog.Setting) string {
	if slices.Contains(listSettings, strings.ToLower(s.Name)) && s.Value != "" {
		return s.Value // names, quoted one by one where they have to be
	}
	return literal(s.Value)
}

// listSettings are parameters whose value is a list of names (GUC_LIST_QUOTE).
var listSettings = []string{
	"search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries", "unix_socket_directories",
}

package ddlgen

import (
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
)

// comments sets the comments of what was carried.
func (p *planner) comments() {
	for _, c := range p.db.Comments {
		on, why := p.commented(c)
		if why == "" && p.opts.NoComments {
			p.group(commentLeft, "comments", "of the source", "--no-comments leaves them out", commentObject(c))
			continue
		}
		if why != "" {
			p.find(commentLeft, commentObject(c), "%s", why)
			continue
		}
		o := commentObject(c)
		s := Statement{
			ID: "comments/" + strings.TrimPrefix(o.String(), "comment on "), Phase: PhaseComments, Object: o,
			SQL: "COMMENT ON " + on + " IS " + literal(c.Text), Optional: true,
			Undo: "COMMENT ON " + on + " IS NULL",
		}
		if t := p.tableOf(c.Name); t != nil && t.carried {
			s.Table = &t.t.Name
		} else if x := p.model.index.get(c.Name); x != nil && c.Kind == "index" {
			s.Table = &x.Table
		}
		if c.Kind == "event trigger" { // it comes after all comments, and so does its own
			s.Phase, s.After = PhaseEventTriggers, []string{p.maker(objectOf(c.Kind, c.Name))}
		}
		p.add(s)
	}
}

// commented is the object of a comment as COMMENT ON takes it, or why the
// comment is left.
func (p *planner) commented(c catalog.Comment) (sql, why string) {
	left := "what it describes is not carried"
	t := p.tableOf(c.Name)
	switch c.Kind {
	case "schema":
		if p.model.schemas[c.Name.Name] {
			return "SCHEMA " + ident(c.Name.Name), ""
		}
	case "extension":
		if p.extensions[c.Name.Name] {
			return "EXTENSION " + ident(c.Name.Name), ""
		}
	case "table":
		if t != nil && t.carried {
			return "TABLE " + quoted(c.Name), ""
		}
	case "foreign table":
		if p.foreignCarried(c.Name) {
			return "FOREIGN TABLE " + quoted(c.Name), ""
		}
	case "column":
		composite := p.maker(objectOf("type", c.Name)) != ""
		if t != nil && t.carried || composite || p.viewCarried(c.Name) || p.foreignCarried(c.Name) {
			return "COLUMN " + quoted(c.Name) + "." + ident(c.Sub), ""
		}
	case "view", "materialized view":
		if p.viewCarried(c.Name) {
			return strings.ToUpper(c.Kind) + " " + quoted(c.Name), ""
		}
	case "index":
		if x := p.model.index.get(c.Name); x != nil {
			if p.maker(indexObject(x)) != "" && !p.flatIndex(x) {
				return "INDEX " + quoted(c.Name), ""
			}
		}
	case "function", "procedure", "aggregate":
		for _, n := range p.called[c.Name.Name] {
			rp := p.routines[n]
			if n.Schema != c.Name.Schema || rp.r.IdentityArgs != c.Args {
				continue
			}
			if p.maker(rp.node.object) != "" {
				return p.named(c.Kind, n), ""
			}
		}
	case "sequence":
		if name, ok := p.seqName[c.Name]; ok {
			return "SEQUENCE " + quoted(name), ""
		}
	case "type":
		known := p.maker(objectOf("type", c.Name)) != ""
		if known {
			return "TYPE " + quoted(c.Name), ""
		}
	case "domain":
		if p.maker(objectOf("domain", c.Name)) != "" {
			return "DOMAIN " + quoted(c.Name), ""
		}
	case "constraint", "constraint on domain":
		return p.commentedConstraint(c)
	case "trigger", "rule", "policy":
		if p.maker(hangingObject(c.Kind, c.Name, c.Sub)) != "" {
			return strings.ToUpper(c.Kind) + " " + ident(c.Sub) + " ON " + quoted(c.Name), ""
		}
	case "database":
		return "", "the target's database is not this one"
	default:
		if p.maker(objectOf(c.Kind, c.Name)) != "" {
			if sql := p.named(c.Kind, c.Name); sql != "" {
				return sql, ""
			}
		}
	}
	return "", left
}

func (p *planner) commentedConstraint(c catalog.Comment) (sql, why string) {
	o := objectOf("constraint", c.Name)
	o.Parent, o.Name = c.Name.Name, c.Sub
	if p.maker(o) == "" {
		return "", "what it describes is not carried"
	}
	if c.Kind == "constraint on domain" {
		return "CONSTRAINT " + ident(c.Sub) + " ON DOMAIN " + quoted(c.Name), ""
	}
	if t := p.tableOf(c.Name); t == nil || !t.carried {
		return "", "its table is part of another one on the target"
	}
	return "CONSTRAINT " + ident(c.Sub) + " ON " + quoted(c.Name), ""
}

// flatIndex says whether an index has become part of its root's.
func (p *planner) flatIndex(x *catalog.Index) bool {
	t := p.tableOf(x.Table)
	return t != nil && t.into != nil
}

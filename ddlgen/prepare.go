package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/internal/dial/quote"
)

// prepare creates schemas and extensions.
func (p *planner) prepare() {
	for _, s := range p.db.Schemas {
		undo := "DROP SCHEMA " + quote.Ident(s.Name)
		if s.Name == "public" {
			undo = "" // it stands in every new database
		}
		p.add(Statement{
			ID: "schemas/" + s.Name, Phase: PhasePrepare, Object: schemaObject(s.Name),
			SQL: "CREATE SCHEMA IF NOT EXISTS " + quote.Ident(s.Name), Undo: undo,
		})
	}
	for _, e := range p.db.Extensions {
		p.extension(e)
	}
}

// extensionWanted says whether an extension of the source can be had on the
// target.
func (p *planner) extensionWanted(name string) bool {
	if name == "plpgsql" {
		return true
	}
	if !p.profile.AllExtensions && !slices.Contains(p.profile.Extensions, name) {
		return false
	}
	return p.opts.TargetExtensions == nil || slices.Contains(p.opts.TargetExtensions, name)
}

func (p *planner) extension(e catalog.Extension) {
	o := extensionObject(e.Name)
	switch {
	case e.Name == "plpgsql":
		p.find(extensionBuiltIn, o, "PL/pgSQL is part of the target")
		return
	case !p.extensions[e.Name]:
		p.find(extensionLeft, o, "the target cannot install it")
		return
	}
	sql := "CREATE EXTENSION IF NOT EXISTS " + quote.Ident(e.Name)
	var after []string
	// A schema that is not in the model is made by the extension itself.
	if p.model.schemas[e.Schema] {
		sql += " WITH SCHEMA " + quote.Ident(e.Schema)
		after = []string{"schemas/" + e.Schema}
	} else if e.Schema == "pg_catalog" {
		sql += " WITH SCHEMA pg_catalog"
	}
	if p.profile.AllExtensions {
		sql += " CASCADE"
	}
	p.add(Statement{
		ID: "extensions/" + e.Name, Phase: PhasePrepare, Object: o, SQL: sql, After: after,
		Undo: "DROP EXTENSION " + quote.Ident(e.Name),
	})
}

// has says whether the target is a PostgreSQL of that major or later. DB9 has
// nothing that came after its documented set.
func (p *planner) has(major int) bool {
	if p.profile.Map {
		return false
	}
	version := p.opts.TargetVersion
	if version == 0 {
		version = p.db.ServerVersion
	}
	return version >= major*10000
}

// majorText names the target's version in a message.
func (p *planner) majorText() string {
	if p.profile.Map || p.opts.TargetVersion == 0 {
		return "the target"
	}
	return fmt.Sprintf("the target (PostgreSQL %d)", p.opts.TargetVersion/10000)
}

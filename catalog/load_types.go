package catalog

import (
	"context"
	"slices"
)

type typeRow struct {
	OID       int64  `db:"oid"`
	Mod       int32  `db:"mod"`
	Text      string `db:"text"`
	IsArray   bool   `db:"is_array"`
	Schema    string `db:"schema"`
	Name      string `db:"name"`
	Kind      string `db:"kind"`
	Changed   bool   `db:"changed"`
	Extension string `db:"extension"`
}

var typeKinds = map[string]TypeKind{
	"b": KindBase, "e": KindEnum, "d": KindDomain, "c": KindComposite, "r": KindRange, "m": KindMultirange, "p": KindPseudo,
}

func (r *reader) readTypes(ctx context.Context) error {
	rows, err := collect[typeRow](ctx, r.q, "types")
	r.types = make(map[typeKey]Type, len(rows))
	for _, t := range rows {
		if t.Changed {
			return &GoneError{Kind: "type", Name: Name{Schema: t.Schema, Name: t.Name}}
		}
		r.types[typeKey{t.OID, t.Mod}] = Type{
			Name: Name{Schema: t.Schema, Name: t.Name}, Kind: typeKinds[t.Kind], Array: t.IsArray, Mod: t.Mod, Text: t.Text, Extension: t.Extension,
		}
	}
	return err
}

type useRow struct {
	Column    string `db:"column"`
	Class     string `db:"class"`
	Obj       int64  `db:"obj"`
	Kind      string `db:"kind"`
	Schema    string `db:"schema"`
	Name      string `db:"name"`
	Extension string `db:"extension"`
}

func (r *reader) readUses(ctx context.Context) error {
	r.uses = map[objectKey][]Ref{}
	err := each(ctx, r.q, "uses", func(u useRow) error {
		k := objectKey{r.text(u.Class), u.Obj}
		r.uses[k] = append(r.uses[k], Ref{
			Kind: r.text(u.Kind), Name: Name{Schema: r.text(u.Schema), Name: r.text(u.Name)}, Column: r.text(u.Column), Extension: r.text(u.Extension),
		})
		return nil
	})
	for _, refs := range r.uses {
		sortRefs(refs)
	}
	return err
}

type enumRow struct {
	OID    int64    `db:"oid"`
	Schema string   `db:"schema"`
	Name   string   `db:"name"`
	Labels []string `db:"labels"`
}

func (r *reader) enums(ctx context.Context) error {
	rows, err := collect[enumRow](ctx, r.q, "enums")
	for _, e := range rows {
		n := Name{Schema: e.Schema, Name: e.Name}
		r.db.Enums = append(r.db.Enums, Enum{Name: n, Labels: orNil(e.Labels)})
		r.know("pg_type", e.OID, Comment{Kind: "type", Name: n})
	}
	return err
}

type domainRow struct {
	OID             int64  `db:"oid"`
	Schema          string `db:"schema"`
	Name            string `db:"name"`
	Base            int64  `db:"base"`
	Mod             int32  `db:"mod"`
	NotNull         bool   `db:"not_null"`
	Default         string `db:"default"`
	CollationSchema string `db:"collation_schema"`
	Collation       string `db:"collation"`
}

type domainCheckRow struct {
	OID       int64  `db:"oid"`
	Domain    int64  `db:"domain"`
	Name      string `db:"name"`
	Def       string `db:"def"`
	Validated bool   `db:"validated"`
}

func (r *reader) domains(ctx context.Context) error {
	rows, err := collect[domainRow](ctx, r.q, "domains")
	if err != nil {
		return err
	}
	checks, err := collect[domainCheckRow](ctx, r.q, "domain_checks")
	if err != nil {
		return err
	}
	byDomain := map[int64][]domainCheckRow{}
	for _, c := range checks {
		byDomain[c.Domain] = append(byDomain[c.Domain], c)
	}
	for _, d := range rows {
		dom := Domain{
			Name: Name{Schema: d.Schema, Name: d.Name}, Base: r.types[typeKey{d.Base, d.Mod}], NotNull: d.NotNull,
			Default: Expr(d.Default), Collation: name(d.CollationSchema, d.Collation),
			Uses: slices.Clone(r.uses[objectKey{"pg_type", d.OID}]),
		}
		r.know("pg_type", d.OID, Comment{Kind: "domain", Name: dom.Name})
		for _, c := range byDomain[d.OID] {
			if c.Def == "" {
				return &GoneError{Kind: "domain", Name: dom.Name, Sub: c.Name}
			}
			dom.Checks = append(dom.Checks, DomainCheck{Name: c.Name, Def: ConstraintDef(c.Def), Validated: c.Validated})
			dom.Uses = append(dom.Uses, r.uses[objectKey{"pg_constraint", c.OID}]...)
			r.know("pg_constraint", c.OID, Comment{Kind: "constraint on domain", Name: dom.Name, Sub: c.Name})
		}
		sortRefs(dom.Uses)
		dom.Uses = slices.Compact(dom.Uses)
		r.db.Domains = append(r.db.Domains, dom)
	}
	return nil
}

type compositeRow struct {
	OID    int64  `db:"oid"`
	Type   int64  `db:"type"`
	Schema string `db:"schema"`
	Name   string `db:"name"`
}

func (r *reader) composites(ctx context.Context) error {
	rows, err := collect[compositeRow](ctx, r.q, "composites")
	r.fields = map[int64]int{}
	for i, c := range rows {
		n := Name{Schema: c.Schema, Name: c.Name}
		r.fields[c.OID] = i
		r.db.Composites = append(r.db.Composites, Composite{Name: n})
		r.know("pg_type", c.Type, Comment{Kind: "type", Name: n})
		r.know("pg_class", c.OID, Comment{Kind: "type", Name: n})
	}
	return err
}

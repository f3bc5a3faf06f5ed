package catalog

import (
	"cmp"
	"slices"
)

// sort puts everything into byte order, whatever the server's collation.
func (db *Database) sort() {
	slices.SortFunc(db.Schemas, func(a, b Schema) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(db.Extensions, func(a, b Extension) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(db.Enums, func(a, b Enum) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Domains, func(a, b Domain) int { return a.Name.Compare(b.Name) })
	for i := range db.Domains {
		slices.SortFunc(db.Domains[i].Checks, func(a, b DomainCheck) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(db.Composites, func(a, b Composite) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Sequences, func(a, b Sequence) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Tables, func(a, b Table) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Constraints, func(a, b Constraint) int {
		return cmp.Or(a.Table.Compare(b.Table), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortFunc(db.Indexes, func(a, b Index) int { return cmp.Or(a.Table.Compare(b.Table), a.Name.Compare(b.Name)) })
	slices.SortFunc(db.Views, func(a, b View) int { return a.Name.Compare(b.Name) })
	slices.SortFunc(db.Routines, func(a, b Routine) int { return cmp.Or(a.Name.Compare(b.Name), cmp.Compare(a.Kind, b.Kind)) })
	slices.SortFunc(db.Comments, func(a, b Comment) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name), cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.Args, b.Args), cmp.Compare(a.Object, b.Object))
	})
	db.sortRights()
	db.sortObjects()
	slices.SortFunc(db.Others, func(a, b Other) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name), compareNames(a.Table, b.Table))
	})
}

// sortRights sorts what load_triggers.go and load_rights.go read.
func (db *Database) sortRights() {
	slices.SortFunc(db.Triggers, func(a, b Trigger) int { return cmp.Or(a.Table.Compare(b.Table), cmp.Compare(a.Name, b.Name)) })
	for i := range db.Triggers {
		slices.SortFunc(db.Triggers[i].Apart, func(a, b TriggerState) int { return a.Table.Compare(b.Table) })
	}
	slices.SortFunc(db.EventTriggers, func(a, b EventTrigger) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(db.Rules, func(a, b Rule) int { return cmp.Or(a.Table.Compare(b.Table), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(db.Policies, func(a, b Policy) int { return cmp.Or(a.Table.Compare(b.Table), cmp.Compare(a.Name, b.Name)) })
	slices.SortFunc(db.Roles, func(a, b Role) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(db.Owners, func(a, b Owner) int { return a.Object.compare(b.Object) })
	slices.SortFunc(db.Grants, func(a, b Grant) int {
		return cmp.Or(a.Object.compare(b.Object), compareBools(b.Revoked, a.Revoked), cmp.Compare(a.Grantee, b.Grantee),
			cmp.Compare(a.Grantor, b.Grantor), compareBools(a.Grantable, b.Grantable))
	})
	slices.SortFunc(db.DefaultPrivileges, func(a, b DefaultPrivilege) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Objects, b.Objects), compareBools(b.Revoked, a.Revoked),
			cmp.Compare(a.Grantee, b.Grantee), compareBools(a.Grantable, b.Grantable))
	})
	slices.SortFunc(db.Settings, func(a, b Setting) int {
		return cmp.Or(cmp.Compare(a.Role, b.Role), compareBools(a.Database, b.Database), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(db.SecurityLabels, func(a, b SecurityLabel) int {
		return cmp.Or(a.Object.compare(b.Object), cmp.Compare(a.Provider, b.Provider))
	})
}

func (o ObjectRef) compare(p ObjectRef) int {
	return cmp.Or(cmp.Compare(o.Kind, p.Kind), cmp.Compare(o.Schema, p.Schema), cmp.Compare(o.Parent, p.Parent), cmp.Compare(o.Name, p.Name))
}

// compareBools puts false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareNames(a, b *Name) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}

func sortRefs(refs []Ref) {
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Extension, b.Extension))
	})
}

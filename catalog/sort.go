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
	slices.SortFunc(db.Comments, func(a, b Comment) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name), cmp.Compare(a.Sub, b.Sub), cmp.Compare(a.Object, b.Object))
	})
	slices.SortFunc(db.Others, func(a, b Other) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), a.Name.Compare(b.Name), compareNames(a.Table, b.Table))
	})
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

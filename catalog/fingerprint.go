package catalog

import (
	"context"
	"fmt"
	"slices"
)

// Fingerprint is what must not change of a table between a snapshot and the
// table's lock: a TRUNCATE in between reads as an empty table, a column that was
// dropped and added again as NULLs, both without an error.
type Fingerprint struct {
	Name     Name
	OID      int64 // tells a table from another of the same name on the same server; never leaves this process
	Kind     string
	Filenode int64 // another one after TRUNCATE and every rewrite; 0 for what has no storage
	Columns  []FingerprintColumn
	Parents  []string
	Children []string

	parentOIDs, childOIDs []int64
}

// FingerprintColumn is one live column.
type FingerprintColumn struct {
	Num  int
	Name string
	Type int64
	Mod  int32
	Text string // of the type, for messages
}

type fingerprintRow struct {
	Ord         int      `db:"ord"`
	OID         int64    `db:"oid"`
	Schema      string   `db:"schema"`
	Name        string   `db:"name"`
	Kind        string   `db:"kind"`
	Filenode    int64    `db:"filenode"`
	Nums        []int    `db:"nums"`
	Names       []string `db:"names"`
	Types       []int64  `db:"types"`
	Mods        []int32  `db:"mods"`
	Texts       []string `db:"texts"`
	ParentOIDs  []int64  `db:"parent_oids"`
	ParentNames []string `db:"parent_names"`
	ChildOIDs   []int64  `db:"child_oids"`
	ChildNames  []string `db:"child_names"`
}

// Fingerprints reads the fingerprints of tables by name, in one query. What is
// not there is left out. Under a snapshot they are the snapshot's, on a READ
// COMMITTED connection those of now.
func Fingerprints(ctx context.Context, q Querier, tables []Name) ([]Fingerprint, error) {
	schemas, names := make([]string, len(tables)), make([]string, len(tables))
	for i, t := range tables {
		schemas[i], names[i] = t.Schema, t.Name
	}
	rows, err := collect[fingerprintRow](ctx, q, "fingerprints", schemas, names, make([]int64, len(tables)))
	if err != nil {
		return nil, err
	}
	out := make([]Fingerprint, len(rows))
	for i, r := range rows {
		f := Fingerprint{
			Name: Name{Schema: r.Schema, Name: r.Name}, OID: r.OID, Kind: r.Kind, Filenode: r.Filenode,
			Parents: r.ParentNames, Children: r.ChildNames, parentOIDs: r.ParentOIDs, childOIDs: r.ChildOIDs,
		}
		for j := range r.Nums {
			f.Columns = append(f.Columns, FingerprintColumn{Num: r.Nums[j], Name: r.Names[j], Type: r.Types[j], Mod: r.Mods[j], Text: r.Texts[j]})
		}
		out[i] = f
	}
	return out, nil
}

// Diff says in words what changed of the table since f was read, "" if nothing
// that matters.
func (f Fingerprint) Diff(now Fingerprint) string {
	switch {
	case f.OID != now.OID:
		return "was dropped, and another table has its name,"
	case f.Name != now.Name:
		return "was renamed to " + now.Name.String()
	case f.Kind != now.Kind:
		return "became another kind of relation"
	}
	if what := diffColumns(f.Columns, now.Columns); what != "" {
		return what
	}
	switch {
	case f.Filenode != now.Filenode:
		return "was truncated or rewritten"
	case !slices.Equal(f.parentOIDs, now.parentOIDs):
		return "was attached to or detached from a parent"
	case !slices.Equal(f.childOIDs, now.childOIDs):
		return "had a partition or child attached, detached, created or dropped"
	}
	return ""
}

func diffColumns(then, now []FingerprintColumn) string {
	byNum := make(map[int]FingerprintColumn, len(now))
	for _, c := range now {
		byNum[c.Num] = c
	}
	for _, c := range then {
		n, ok := byNum[c.Num]
		delete(byNum, c.Num)
		switch {
		case !ok:
			return fmt.Sprintf("had its column %s dropped", c.Name)
		case n.Name != c.Name:
			return fmt.Sprintf("had its column %s renamed to %s", c.Name, n.Name)
		case n.Type != c.Type || n.Mod != c.Mod:
			return fmt.Sprintf("had the type of its column %s changed from %s to %s", c.Name, c.Text, n.Text)
		}
	}
	for _, c := range now {
		if _, added := byNum[c.Num]; added {
			return fmt.Sprintf("had a column %s added", c.Name)
		}
	}
	return ""
}

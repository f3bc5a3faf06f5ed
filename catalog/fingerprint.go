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
	return fingerprints(ctx, q, tables, make([]int64, len(tables)))
}

// Change is what happened to a table since its fingerprint was read.
type Change struct {
	Table Name
	What  string // completes "table t": "was truncated or rewritten"
}

// Changes reads the tables of then again and says what happened to them since,
// in their order; nothing where nothing did. They are looked up by OID first, so
// that a renamed table is told from a dropped one.
func Changes(ctx context.Context, q Querier, then []Fingerprint) ([]Change, error) {
	names, oids := make([]Name, len(then)), make([]int64, len(then))
	for i, f := range then {
		names[i], oids[i] = f.Name, f.OID
	}
	now, err := fingerprints(ctx, q, names, oids)
	if err != nil {
		return nil, err
	}
	byOID, byName := make(map[int64]Fingerprint, len(now)), make(map[Name]Fingerprint, len(now))
	for _, f := range now {
		byOID[f.OID], byName[f.Name] = f, f
	}
	var out []Change
	for _, f := range then {
		n, ok := byOID[f.OID]
		if !ok {
			n, ok = byName[f.Name]
		}
		what := "was dropped"
		if ok {
			what = f.Diff(n)
		}
		if what != "" {
			out = append(out, Change{Table: f.Name, What: what})
		}
	}
	return out, nil
}

// fingerprints looks tables up by OID, and by name where that is 0 or gone.
func fingerprints(ctx context.Context, q Querier, tables []Name, oids []int64) ([]Fingerprint, error) {
	schemas, names := make([]string, len(tables)), make([]string, len(tables))
	for i, t := range tables {
		schemas[i], names[i] = t.Schema, t.Name
	}
	rows, err := collect[fingerprintRow](ctx, q, "fingerprints", schemas, names, oids)
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
// that matters. Of several changes it names one: the most telling.
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
	if f.Filenode != now.Filenode {
		return "was truncated or rewritten"
	}
	lost, gained := diffTree(f.parentOIDs, now.parentOIDs, f.Parents, now.Parents)
	switch {
	case lost != "":
		return "was detached from " + lost
	case gained != "":
		return "was attached to " + gained
	}
	child := "child"
	if f.Kind == "p" {
		child = "partition"
	}
	lost, gained = diffTree(f.childOIDs, now.childOIDs, f.Children, now.Children)
	switch {
	case lost != "":
		return fmt.Sprintf("had its %s %s detached or dropped", child, lost)
	case gained != "":
		return fmt.Sprintf("had a %s %s attached or created", child, gained)
	}
	return ""
}

// diffTree names the first relation that is no longer there, and the first new
// one. A renamed one is neither. Both lists are sorted by OID, as the query does.
func diffTree(then, now []int64, thenNames, nowNames []string) (lost, gained string) {
	for i, oid := range then {
		if _, there := slices.BinarySearch(now, oid); !there {
			lost = thenNames[i]
			break
		}
	}
	for i, oid := range now {
		if _, there := slices.BinarySearch(then, oid); !there {
			gained = nowNames[i]
			break
		}
	}
	return lost, gained
}

func diffColumns(then, now []FingerprintColumn) string {
	byNum := make(map[int]FingerprintColumn, len(now))
	byName := make(map[string]bool, len(now))
	for _, c := range now {
		byNum[c.Num], byName[c.Name] = c, true
	}
	for _, c := range then {
		n, ok := byNum[c.Num]
		delete(byNum, c.Num)
		switch {
		case !ok && byName[c.Name]:
			return fmt.Sprintf("had its column %s dropped and added again", c.Name)
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

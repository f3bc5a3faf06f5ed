package assess

import (
	"hash/maphash"
	"math"
	"strings"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen"
)

// The areas of a report, in its order.
const (
	areaTypes       = "types"
	areaTables      = "tables"
	areaKeys        = "keys-and-indexes"
	areaConstraints = "constraints"
	areaViews       = "views"
	areaRoutines    = "routines"
	areaTriggers    = "triggers"
	areaSecurity    = "security"
	areaExtensions  = "extensions"
	areaOther       = "other"
	areaData        = "data"
	areaSource      = "source"
)

var areaTitles = []struct{ id, title string }{
	{areaTypes, "Types and columns"},
	{areaTables, "Tables and sequences"},
	{areaKeys, "Keys and indexes"},
	{areaConstraints, "Constraints"},
	{areaViews, "Views"},
	{areaRoutines, "Routines"},
	{areaTriggers, "Triggers and rules"},
	{areaSecurity, "Roles and rights"},
	{areaExtensions, "Extensions, foreign data"},
	{areaOther, "Other objects"},
	{areaData, "Data"},
	{areaSource, "Source readiness"},
}

// kindArea says to which area an object belongs, by its kind. What stands
// here under no word is in "other objects": nothing goes uncounted.
var kindArea = map[string]string{
	"column": areaTypes, "type": areaTypes, "domain": areaTypes, "range type": areaTypes, "base type": areaTypes, "shell type": areaTypes,
	"schema": areaTables, "table": areaTables, "sequence": areaTables,
	"index":      areaKeys,
	"constraint": areaConstraints,
	"view":       areaViews, "materialized view": areaViews,
	"function": areaRoutines, "procedure": areaRoutines, "aggregate": areaRoutines, "window function": areaRoutines, "language": areaRoutines,
	"trigger": areaTriggers, "event trigger": areaTriggers, "rule": areaTriggers,
	"role": areaSecurity, "roles": areaSecurity, "owner": areaSecurity, "owners": areaSecurity, "grant": areaSecurity, "privileges": areaSecurity,
	"default privileges": areaSecurity, "row security": areaSecurity, "settings": areaSecurity, "security labels": areaSecurity,
	"policy": areaSecurity, "security label": areaSecurity, "setting": areaSecurity,
	"extension": areaExtensions, "foreign data wrapper": areaExtensions, "server": areaExtensions, "user mapping": areaExtensions,
	"foreign table": areaExtensions, "publication": areaExtensions, "subscription": areaExtensions,
}

// noObjects are words of findings that stand for no object of the database.
var noObjects = map[string]bool{"objects": true, "check": true, "sessions": true}

// fate is what becomes of an object, worse ones above.
type fate uint8

const (
	carried fate = iota
	changed
	left
	blocked
)

// inventory counts what becomes of each object. An object is known by its hash
// alone: a model of 100,000 tables has a million of them.
type inventory struct {
	seed   maphash.Seed
	fates  map[uint64]fate // of objects with a finding
	seen   map[uint64]struct{}
	keys   map[finding.Object]bool // constraints that are keys
	counts map[string]*Area
}

// takeInventory makes the areas of all objects that a plan or a finding names,
// which together are all objects of the model.
func takeInventory(db *catalog.Database, plan *ddlgen.Plan, findings []Finding) map[string]*Area {
	inv := &inventory{
		seed: maphash.MakeSeed(), fates: map[uint64]fate{}, seen: map[uint64]struct{}{},
		keys: map[finding.Object]bool{}, counts: map[string]*Area{},
	}
	for i := range db.Constraints {
		switch c := &db.Constraints[i]; c.Kind {
		case catalog.PrimaryKey, catalog.Unique, catalog.Exclusion:
			inv.keys[finding.Object{Kind: "constraint", Schema: c.Table.Schema, Parent: c.Table.Name, Name: c.Name}] = true
		case catalog.Check, catalog.ForeignKey, catalog.NotNull:
		}
	}
	for _, f := range findings {
		h := inv.hash(f.Object)
		var is fate
		switch {
		case f.Severity == finding.Block && !f.Accepted:
			is = blocked
		case f.Severity == finding.Block, f.Severity == finding.Change:
			is = changed
		case f.Severity == finding.Left:
			is = left
		default:
			continue
		}
		inv.fates[h] = max(inv.fates[h], is)
	}
	for i := range plan.Statements {
		s := &plan.Statements[i]
		for o := range s.Objects() {
			inv.stands(o)
		}
	}
	for _, f := range findings {
		if h := inv.hash(f.Object); !noObjects[f.Object.Kind] && !serverSide(f.Object) {
			if f.Severity != finding.Info { // whoever is only mentioned may be a group of objects
				inv.count(f.Object, h, inv.fates[h])
			}
		}
	}
	return inv.counts
}

// serverSide reports findings about the two servers themselves, which are no
// objects of the database. (A foreign server is named by its own name.)
func serverSide(o finding.Object) bool {
	return o.Kind == "server" && (o.Name == "source" || o.Name == "target")
}

// stands counts an object that the plan creates. Where something of it is left,
// it arrives all the same, in another form.
func (inv *inventory) stands(o finding.Object) {
	h := inv.hash(o)
	is := inv.fates[h]
	if is == left {
		is = changed
	}
	inv.count(o, h, is)
}

func (inv *inventory) count(o finding.Object, h uint64, is fate) {
	if _, ok := inv.seen[h]; ok {
		return
	}
	inv.seen[h] = struct{}{}
	a := inv.area(o)
	a.Objects++
	switch is {
	case carried:
		a.Carried++
	case changed:
		a.Changed++
	case left:
		a.Left++
	case blocked:
		a.Blocked++
	}
}

func (inv *inventory) area(o finding.Object) *Area {
	id := kindArea[o.Kind]
	switch {
	case inv.keys[o]:
		id = areaKeys
	case id != "":
	case strings.HasPrefix(o.Kind, "owner of "), strings.HasPrefix(o.Kind, "privileges "), strings.HasPrefix(o.Kind, "grant "), strings.HasPrefix(o.Kind, "security label "):
		id = areaSecurity
	default:
		id = areaOther
	}
	if inv.counts[id] == nil {
		inv.counts[id] = &Area{ID: id}
	}
	return inv.counts[id]
}

func (inv *inventory) hash(o finding.Object) uint64 {
	var h maphash.Hash
	h.SetSeed(inv.seed)
	for _, s := range []string{o.Kind, o.Schema, o.Parent, o.Name} {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
	return h.Sum64()
}

// score is what a share of a hundred objects counts: one that is carried as it
// is counts whole, one that is changed half, one that is left or blocked not at
// all. Nothing rounds up to 100.
func score(objects, carried, changed int) *int {
	if objects == 0 {
		return nil
	}
	n := int(math.Floor(100 * (float64(carried) + float64(changed)/2) / float64(objects)))
	return &n
}

// overall is the mean of the areas that have a score.
func overall(areas []Area) *int {
	sum, n := 0, 0
	for _, a := range areas {
		if a.Score != nil {
			sum += *a.Score
			n++
		}
	}
	if n == 0 {
		return nil
	}
	mean := sum / n
	return &mean
}

package ddlgen

import (
	"fmt"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
)

// node is an object beside tables (a routine, view, type, operator, ...) whose
// place in the plan follows from what it needs and from what needs it. All
// nodes are declared before anything is decided; whether one is carried is
// asked when something needs it.
//
// Tables, sequences and enums are no nodes: they have their phases, and what
// they need is noted with need and use. A circle of nodes is carried or left as
// one. It can be created where one of them has a shell.
type node struct {
	key    refKey
	object finding.Object
	refs   []catalog.Ref // what must stand before it, and be carried
	phase  Phase         // where it goes when nothing needs it earlier
	code   finding.Code  // of the finding where it is left
	refuse string        // why it is left, whatever it needs; empty: it depends on refs

	// judge, if not nil, says why the node is left although what it needs is
	// there. It must not be asked before the columns are decided.
	judge func() string

	// calls, if not nil, lists what it uses by name alone, when it is called:
	// that is created no later than it, where it can be.
	calls func() []catalog.Ref
	// settle, if not nil, notes with need what make will use beside refs. It is
	// called before places are given out, for nodes that are carried.
	settle func()
	// shell, if not nil, adds a statement that makes something of the name for
	// others of its circle to refer to. It is called where there is a circle,
	// before make.
	shell func(at place)
	// make adds the statements, the one that creates the object in the phase of
	// the place. What it needs of the same phase is added to After of all that
	// stand in that phase.
	make func(at place)

	component *component
	wanted    Phase
	shellID   string
	made      []string // IDs of what make added, in the phase of its place
}

// place is where a node's statements go.
type place struct {
	phase Phase
	shell bool // the node's shell stands already: CREATE must replace it
}

// component is a set of nodes that need each other, a single node as a rule.
type component struct {
	members  []*node
	state    state
	why      map[*node]string // of members that are left, by what they need
	earliest Phase            // first phase in which all that its members need can stand; unset before it was asked for
}

type state int

const (
	undecided state = iota
	deciding        // being asked about itself
	decided
)

// refKey is a Ref without what does not tell objects apart.
type refKey struct {
	kind string
	name catalog.Name
}

func keyOf(r catalog.Ref) refKey { return keyFor(r.Kind, r.Name) }

// keyFor is the key of an object under its own kind, as a Ref says it: all
// routines are "routine" there, and all types are "type".
func keyFor(kind string, name catalog.Name) refKey {
	switch kind {
	case "function", "procedure", "aggregate", "window function":
		kind = "routine"
	case "range type", "base type", "shell type", "domain", "composite type", "enum":
		kind = "type"
	case "foreign table":
		kind = "table"
	}
	return refKey{kind, name}
}

// declare makes a node known.
func (p *planner) declare(n *node) {
	n.key = keyFor(n.key.kind, n.key.name)
	p.nodes = append(p.nodes, n)
	p.node[n.key] = n
}

// nodeOf is the node that a reference names; nil where it names none, or a
// member of an extension.
func (p *planner) nodeOf(r catalog.Ref) *node {
	if r.Extension != "" {
		return nil
	}
	return p.node[keyOf(r)]
}

// componentOf finds the nodes that need each other with n, and those of all
// that n needs (Tarjan's algorithm).
func (p *planner) componentOf(n *node) *component {
	if n.component != nil {
		return n.component
	}
	index, low := map[*node]int{}, map[*node]int{}
	var stack []*node
	var visit func(n *node)
	visit = func(n *node) {
		index[n], low[n] = len(index)+1, len(index)+1
		stack = append(stack, n)
		for _, r := range n.refs {
			d := p.nodeOf(r)
			switch {
			case d == nil || d.component != nil:
			case index[d] == 0:
				visit(d)
				low[n] = min(low[n], low[d])
			default:
				low[n] = min(low[n], index[d])
			}
		}
		if low[n] < index[n] {
			return
		}
		c := &component{}
		for n.component == nil {
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			last.component = c
			c.members = append(c.members, last)
		}
		slices.Reverse(c.members)
	}
	visit(n)
	return n.component
}

// circular says whether a node needs itself, by way of others or at once.
func (p *planner) circular(n *node) bool {
	return len(p.componentOf(n).members) > 1 ||
		slices.ContainsFunc(n.refs, func(r catalog.Ref) bool { return p.nodeOf(r) == n })
}

// whyLeft says why a node is not carried; empty is carried.
func (p *planner) whyLeft(n *node) string {
	c := p.componentOf(n)
	if c.state == undecided {
		c.state = deciding
		var first *node
		for _, m := range c.members {
			why := m.refuse
			if why == "" {
				why = p.missing(m.refs)
			}
			if why == "" && m.judge != nil {
				why = m.judge()
			}
			if why == "" {
				continue
			}
			if first == nil {
				first, c.why = m, map[*node]string{}
			}
			c.why[m] = why
		}
		for _, m := range c.members {
			if first != nil && c.why[m] == "" {
				c.why[m] = first.isLeft()
			}
		}
		c.state = decided
	}
	return c.why[n]
}

func (n *node) isLeft() string {
	return fmt.Sprintf("%s %s is left behind", n.key.kind, n.key.name)
}

// missingNode says why a node that something needs is not there.
func (p *planner) missingNode(n *node) string {
	if p.componentOf(n).state == deciding || p.whyLeft(n) == "" {
		return ""
	}
	return n.isLeft()
}

// stands is the first phase in which all that the references name can stand.
// It must not be asked before the columns are decided.
func (p *planner) stands(refs []catalog.Ref) Phase {
	at := PhasePrepare
	for _, r := range refs {
		if n := p.nodeOf(r); n != nil {
			at = max(at, p.earliest(n))
			continue
		}
		if r.Extension != "" || builtIn(r.Name.Schema) {
			continue
		}
		switch r.Kind {
		case "table":
			if p.model.sequences.get(r.Name) != nil {
				at = max(at, p.sequenceStands(r.Name))
			} else {
				at = max(at, PhaseTables)
			}
		case "sequence":
			at = max(at, p.sequenceStands(r.Name))
		case "type":
			at = max(at, PhaseTypes)
			if p.tableOf(r.Name) != nil {
				at = max(at, PhaseTables) // the type of its rows
			}
		}
	}
	return at
}

func (p *planner) sequenceStands(n catalog.Name) Phase {
	if _, identity := p.seqHome[n]; identity {
		return PhaseTables
	}
	return PhaseSequences
}

// earliest is the first phase in which a node can be created.
func (p *planner) earliest(n *node) Phase {
	c := p.componentOf(n)
	if c.earliest == PhaseUnset {
		c.earliest = PhasePrepare // for members that are met again
		at := PhasePrepare
		for _, m := range c.members {
			at = max(at, m.floor(), p.stands(m.refs))
		}
		c.earliest = at
	}
	return c.earliest
}

// floor is the first phase that a node's kind can stand in. Views may hang on
// primary keys (by GROUP BY), and materialized views read the rows.
func (n *node) floor() Phase {
	switch n.key.kind {
	case "view", "materialized view":
		return PhaseViews
	case "table":
		return PhaseTables
	case "type":
		return PhaseTypes
	}
	return PhasePrepare
}

// reaches says whether what references name needs a table, by way of other
// tables too.
func (p *planner) reaches(refs []catalog.Ref, table catalog.Name) bool {
	if !p.needsTables(refs) {
		return false
	}
	seen := map[refKey]bool{}
	var visit func(refs []catalog.Ref) bool
	visit = func(refs []catalog.Ref) bool {
		for _, r := range refs {
			k := keyOf(r)
			if r.Extension != "" || seen[k] {
				continue
			}
			seen[k] = true
			var next []catalog.Ref
			if n := p.node[k]; n != nil {
				next = n.refs
			} else if t := p.tableOf(r.Name); t != nil && (k.kind == "table" || k.kind == "type") {
				if r.Name == table {
					return true
				}
				for i := range t.t.Columns {
					next = append(next, p.typeRefs(t.t.Columns[i].Type)...)
					next = append(next, t.t.Columns[i].Uses...)
				}
			}
			if visit(next) {
				return true
			}
		}
		return false
	}
	return visit(refs)
}

// need notes that statements of a phase use what refs name: nodes among them
// are created in that phase at the latest, so far as what they need can stand
// there (see stands). use does the same for a statement that is there.
func (p *planner) need(refs []catalog.Ref, phase Phase) {
	for _, r := range refs {
		if n := p.nodeOf(r); n != nil {
			p.lower(n, phase)
		}
	}
}

// lower moves a node, with what it needs, to an earlier phase.
func (p *planner) lower(n *node, phase Phase) {
	if n.key.kind == "routine" && phase > PhaseEarlyRoutines && phase < PhaseViews {
		phase = PhaseEarlyRoutines
	}
	phase = max(phase, p.earliest(n), PhaseTypes) // schemas stand before
	if n.wanted == PhaseUnset {
		n.wanted = max(n.phase, p.earliest(n))
	}
	if phase < n.wanted {
		n.wanted = phase
		p.need(n.refs, phase)
		if n.calls != nil {
			p.need(n.calls(), phase)
		}
	}
}

// use notes that a statement of the plan uses what refs name. Nodes are made
// before it; where one of them can only stand later than the statement, and the
// statement comes after the rows, it is moved there.
func (p *planner) use(id string, refs []catalog.Ref) {
	if len(refs) == 0 {
		return
	}
	s := p.statement(id)
	if s.Phase > PhaseData {
		s.Phase = max(s.Phase, p.stands(refs))
	}
	p.need(refs, s.Phase)
	p.users = append(p.users, user{id, refs})
}

// user is a statement that waits for what its references name.
type user struct {
	id   string
	refs []catalog.Ref
}

// placeNodes emits the statements of all nodes that are carried, each after
// what it needs, and a finding for each that is left.
func (p *planner) placeNodes() {
	var carried []*node
	for _, n := range p.nodes {
		if why := p.whyLeft(n); why != "" {
			p.find(n.code, n.object, "%s", why)
			continue
		}
		carried = append(carried, n)
		if n.settle != nil {
			n.settle()
		}
	}
	for _, n := range carried {
		p.lower(n, max(n.phase, p.earliest(n)))
		p.need(n.refs, n.wanted)
	}
	for _, n := range carried {
		at := place{phase: n.wanted}
		if n.shell != nil && p.circular(n) {
			from := len(p.statements)
			n.shell(at)
			if len(p.statements) > from {
				n.shellID, at.shell = p.statements[from].ID, true
			}
		}
		from := len(p.statements)
		n.make(at)
		for i := from; i < len(p.statements); i++ {
			if s := &p.statements[i]; s.Phase == at.phase {
				n.made = append(n.made, s.ID)
			}
		}
	}
	for _, n := range carried {
		for _, id := range n.made {
			s := p.statement(id)
			if n.shellID != "" {
				s.After = append(s.After, n.shellID)
			}
			for _, r := range n.refs {
				d := p.nodeOf(r)
				if d == n {
					continue
				}
				before := p.madeBy(r)
				if d != nil && d.component == n.component && d.shellID != "" {
					before = d.shellID
				}
				p.after(s, before)
			}
		}
	}
	for _, u := range p.users {
		s := p.statement(u.id)
		for _, r := range u.refs {
			p.after(s, p.madeBy(r))
		}
	}
}

// after lets a statement wait for another of its phase.
func (p *planner) after(s *Statement, id string) {
	if id != "" && id != s.ID && p.statement(id).Phase == s.Phase {
		s.After = append(s.After, id)
	}
}

// lastMade is the last statement that makes a node itself, not what hangs on it.
func (p *planner) lastMade(n *node) string {
	for _, id := range slices.Backward(n.made) {
		if p.statement(id).Object == n.object {
			return id
		}
	}
	if len(n.made) > 0 {
		return n.made[len(n.made)-1]
	}
	return ""
}

// madeBy is the statement after which what a reference names is there; empty
// where none makes it.
func (p *planner) madeBy(r catalog.Ref) string {
	if n := p.nodeOf(r); n != nil {
		return p.lastMade(n)
	}
	if r.Extension != "" {
		return p.maker(extensionObject(r.Extension))
	}
	switch r.Kind {
	case "table":
		if p.model.sequences.get(r.Name) != nil {
			return p.maker(sequenceObject(r.Name))
		}
		return p.maker(tableObject(r.Name))
	case "type":
		if id := p.maker(objectOf("type", r.Name)); id != "" {
			return id
		}
		return p.maker(tableObject(r.Name))
	case "sequence":
		return p.maker(sequenceObject(r.Name))
	}
	return ""
}

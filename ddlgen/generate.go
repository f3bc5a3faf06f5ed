package ddlgen

import (
	"errors"
	"fmt"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/ddlgen/usermap"
)

// Options are the user's wishes that shape a plan.
type Options struct {
	// TargetExtensions lists what the target can install (pg_available_extensions);
	// nil is unknown: then the profile alone decides.
	TargetExtensions []string
	// TargetCollations lists the target's collations by name, pg_catalog's too;
	// nil is unknown.
	TargetCollations []string
	// TargetVersion is the target's server_version_num; 0 is unknown, and taken
	// to be no older than the source. It matters where the profile is not DB9's.
	TargetVersion int
	// Accept holds finding codes ("code" or "code:object path") that the user accepts:
	// a blocking finding that is accepted becomes Left or Change, its column or table goes without.
	Accept []string
	// Dangling are foreign keys, by the source's table and the constraint's name,
	// that the rows chosen by Mapping would break.
	Dangling []catalog.ColumnRef
	// Unserved are large tables, by the source's name, whose rows Mapping chooses
	// by a condition that no index serves.
	Unserved []catalog.Name
	// Unfit are columns with values that the target would refuse or change.
	Unfit []Unfit
	// Mapping is what the user wants otherwise than it is; nil is nothing.
	Mapping *usermap.Mapping
	// Privileges, Owners and Roles carry what the names say; Policies creates row
	// security where the profile has it in doubt; NoComments leaves out comments.
	Privileges, Owners, Roles, Policies, NoComments bool
	// TargetRoles lists the target's roles; nil is unknown: then all are taken to
	// be there, but for a provider's.
	TargetRoles []string
	// ProviderRoles and ProviderEventTriggers are names of the service's own that
	// the source runs at, such as rds_superuser.
	ProviderRoles, ProviderEventTriggers []string
	// TargetObeysPolicies says that policies hold for the role that loads, where
	// they are forced on owners: it is no superuser, and has no BYPASSRLS.
	TargetObeysPolicies bool
	// Binary has rows travel in COPY's binary format where that means the same on both
	// sides (see Transfer.Binary). The tables must be those of this plan.
	Binary bool
	// OnlyData leaves out every statement: transfers alone, for tables that exist.
	OnlyData bool
	// OnlySchema leaves out Transfers, Expect and Sequences, for who prints
	// statements and findings: of a hundred thousand tables they are most of the plan.
	OnlySchema bool
	// Sketch leaves out what only an execution needs: Expect, the SQL of statements,
	// and statements that make no object. What is left says what becomes of each.
	Sketch bool
}

// Generate turns a model into a plan. It does no I/O.
func Generate(db *catalog.Database, profile Profile, opts Options) (*Plan, error) {
	if db == nil {
		return nil, errors.New("generating a plan: no model")
	}
	if profile.NameBytes <= 0 {
		return nil, fmt.Errorf("generating a plan: profile %q allows names of %d bytes", profile.Name, profile.NameBytes)
	}
	return planned(db, profile, opts).plan()
}

// planned is a planner that has decided everything.
func planned(db *catalog.Database, profile Profile, opts Options) *planner {
	target, names := remodeled(db, opts.Mapping)
	p := newPlanner(target, profile, opts)
	p.source, p.names = db, names
	for _, f := range names.found {
		p.findAtSource(f.code, f.object, "%s", f.message)
	}
	p.declareObjects()
	p.decideTables()
	p.decideColumns()

	p.prepare()
	p.enums()
	p.sequences()
	p.tableStatements()
	p.keyStatements()
	p.indexStatements()
	p.defaults()
	p.checkStatements()
	p.foreignKeys()
	p.ownership()
	p.triggers()
	p.rules()
	p.roles()
	p.rowSecurity()
	p.eventTriggers()
	p.placeNodes()
	p.shortened()
	p.orphans()
	p.comments()
	p.rights()
	p.analyze()
	return p
}

// planner holds a plan in the making. Its maps only look things up: whatever
// is put out follows the order of the model's slices.
type planner struct {
	db      *catalog.Database // in the target's names
	source  *catalog.Database // as it is
	names   *remodel          // between the two
	profile Profile
	opts    Options
	model   lookup

	collations map[string]bool // the target's; nil is unknown
	extensions map[string]bool // installable on the target, among the source's

	tables    []*tablePlan             // by name, carried and not
	typings   map[catalog.Type]*typing // see columnTyping
	texts     map[columnKey]columnTexts
	relations map[catalog.Name]bool         // names of views, and generated ones, on the target; see taken
	seqName   map[catalog.Name]catalog.Name // nil until the columns are decided
	seqHome   map[catalog.Name]catalog.Name // identity sequences: the table whose creation makes them
	uniques   map[catalog.Name]bool         // generated names of constraints: schema.table / name

	views map[catalog.Name]*viewPlan

	routines map[catalog.Name]*routinePlan
	calls    []Call
	called   map[string][]catalog.Name // routines by name alone

	nodes   []*node // what stands beside tables, in the order of declaration
	node    map[refKey]*node
	rangeOf map[catalog.Name]catalog.Name // multiranges of ranges of the user's
	users   []user                        // statements that wait for nodes

	created map[string]bool // roles that the plan creates
	groups  []grouped

	short      map[catalog.Name]string // tables and views of which not all rows go, with the table that is the cause
	impossible error                   // what the user's mapping asks for and the target has not; the first

	attachments []attachment
	statements  []Statement
	register    register
	transfers   []Transfer
	values      []SequenceValue
	fed         map[catalog.Name][]Feed // by sequence of the model; nil until somebody asks
	expect      []ExpectedTable
	findings    []finding.Finding
	seen        map[finding.Finding]bool
}

func newPlanner(db *catalog.Database, profile Profile, opts Options) *planner {
	p := &planner{
		db: db, source: db, profile: profile, opts: opts, model: newLookup(db),
		relations:  map[catalog.Name]bool{},
		typings:    map[catalog.Type]*typing{},
		texts:      map[columnKey]columnTexts{},
		seqHome:    map[catalog.Name]catalog.Name{},
		uniques:    map[catalog.Name]bool{},
		register:   newRegister(),
		statements: make([]Statement, 0, mostStatements(db, profile, opts.Sketch)),
		seen:       map[finding.Finding]bool{},
		node:       map[refKey]*node{},
		rangeOf:    map[catalog.Name]catalog.Name{},
		views:      map[catalog.Name]*viewPlan{},
		routines:   map[catalog.Name]*routinePlan{},
		called:     map[string][]catalog.Name{},
	}
	for i := range db.Tables {
		plan := &tablePlan{t: &db.Tables[i]}
		p.tables = append(p.tables, plan)
	}
	if opts.TargetCollations != nil {
		p.collations = map[string]bool{}
		for _, c := range opts.TargetCollations {
			p.collations[c] = true
		}
	}
	p.extensions = map[string]bool{}
	for _, e := range db.Extensions {
		p.extensions[e.Name] = p.extensionWanted(e.Name)
	}
	return p
}

// mostStatements is how many statements a plan is likely to have at most. A list
// that grows as it needs to is there twice while it does: of very many tables that
// is most of the memory.
func mostStatements(db *catalog.Database, profile Profile, sketch bool) int {
	n := 1000 + len(db.Schemas) + len(db.Tables) + len(db.Comments) + 2*len(db.Sequences) + 2*len(db.Views) + len(db.Routines) + len(db.Triggers) + len(db.Others)
	for i := range db.Indexes {
		if db.Indexes[i].Constraint == "" {
			n++
		}
	}
	for i := range db.Constraints {
		if db.Constraints[i].Kind != catalog.PrimaryKey || !profile.InlinePrimaryKey {
			n++
		}
	}
	if sketch {
		return n
	}
	n += len(db.Tables) // ANALYZE
	for i := range db.Tables {
		for j := range db.Tables[i].Columns {
			if c := &db.Tables[i].Columns[j]; !profile.CopyNull && c.Default != "" && !c.NotNull {
				n++
			}
		}
	}
	return n
}

// plan puts the parts together in their final order.
func (p *planner) plan() (*Plan, error) {
	if p.impossible != nil {
		return nil, p.impossible
	}
	groups, views, statements := p.tellGroups(), p.expectedViews(), p.statements
	p.statements, p.tables, p.register = nil, nil, register{} // their memory is needed for what follows
	if err := orderStatements(statements); err != nil {
		return nil, fmt.Errorf("ordering the statements: %w", err)
	}
	if p.opts.OnlyData {
		statements, groups, p.calls = nil, nil, nil
		p.findings = aboutData(p.findings)
	}
	finding.Sort(p.findings)
	markFindings(statements, p.findings, p.names.sourceObject)
	sortTransfers(p.transfers)
	p.binary()
	return &Plan{
		SourceHash:  p.source.Hash(),
		MappingHash: p.opts.Mapping.Hash(),
		Profile:     p.profile.Name,
		Statements:  statements,
		Transfers:   p.transfers,
		Sequences:   p.values,
		Expect:      p.expect,
		Views:       views,
		Findings:    p.findings,
		Groups:      groups,
		Calls:       p.calls,
	}, nil
}

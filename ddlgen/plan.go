package ddlgen

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"iter"
	"slices"

	"github.com/pg2db9/pg2db9/catalog"
	"github.com/pg2db9/pg2db9/catalog/finding"
	"github.com/pg2db9/pg2db9/verify/digest"
)

// Plan is all that will be done to the target, in order, and all that will
// not. It is immutable after Generate: the same input gives the same bytes.
type Plan struct {
	SourceHash  string            `json:"source_hash"`            // Database.Hash of the model it was made from
	MappingHash string            `json:"mapping_hash,omitempty"` // usermap.Mapping.Hash of the user's mapping; empty is none
	Profile     string            `json:"profile"`
	Statements  []Statement       `json:"statements"`      // by phase, in an order that works
	Transfers   []Transfer        `json:"transfers"`       // by target name
	Sequences   []SequenceValue   `json:"sequences"`       // values to set after the data
	Expect      []ExpectedTable   `json:"expect"`          // what reading the target back must show, by name
	Views       []ExpectedView    `json:"views,omitempty"` // the same of views, by name
	Findings    []finding.Finding `json:"findings"`
	Groups      []Group           `json:"groups,omitempty"` // by code
	Calls       []Call            `json:"calls,omitempty"`  // of the routines that are created
}

// Group names the objects that one finding speaks of together, such as all
// privileges that are not carried: a report that must name every object lists
// them.
type Group struct {
	Code    finding.Code     `json:"code"`
	Objects []finding.Object `json:"objects"`
}

// Hash names what the plan was made from, source and mapping: a run can only be
// continued by a plan of the same hash.
func (p *Plan) Hash() string {
	if p.MappingHash == "" {
		return p.SourceHash
	}
	sum := sha256.Sum256([]byte(p.SourceHash + p.MappingHash))
	return hex.EncodeToString(sum[:])
}

// Fingerprint names what the plan does: its statements and transfers, whatever
// they were made from. A run is continued by a plan that does the same.
func (p *Plan) Fingerprint() string {
	h := sha256.New()
	e := json.NewEncoder(h) // cannot fail: plain structs
	for i := range p.Statements {
		_ = e.Encode([]any{p.Statements[i].ID, p.Statements[i].SQL})
	}
	for i := range p.Transfers {
		_ = e.Encode(p.Transfers[i])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Phase is a stage of the run. Phases are executed in their order; the data
// are copied between Tables and Keys.
type Phase int8

// The phases. The zero value is no phase.
const (
	PhaseUnset          Phase = iota
	PhasePrepare              // schemas, extensions
	PhaseTypes                // enums, domains, composite types
	PhaseSequences            // sequences, before the defaults that call them
	PhaseEarlyRoutines        // routines that defaults, checks and indexes need
	PhaseTables               // tables with columns, defaults, NOT NULL; inline keys where the profile asks
	PhaseData                 // no statements: the copier's
	PhaseKeys                 // primary keys, unique constraints, indexes, exclusion constraints
	PhaseChecks               // check constraints that do not stand in CREATE TABLE
	PhaseForeignKeys          // each with its own outcome
	PhaseViews                // views and materialized views
	PhaseRoutines             // all other routines
	PhaseTriggers             // triggers
	PhaseRefresh              // materialized views are filled, once all that their routines may call is there
	PhaseSequenceValues       // sequence ownership; the values are in Plan.Sequences
	PhaseVectorIndexes        // HNSW: long builds that the target may refuse at their end, which must hold nothing up
	PhaseRights               // roles, row security, owners, privileges: where they are asked for
	PhaseComments             // comments
	PhaseAnalyze              // ANALYZE
	PhaseEventTriggers        // event triggers: they would act on all that comes after them

	LastPhase = PhaseEventTriggers
)

// Statement is one statement for the target.
type Statement struct {
	ID       string         `json:"id"` // unique in the plan, stable: "keys/public.t/t_pkey"
	Object   finding.Object `json:"object"`
	Table    *catalog.Name  `json:"table,omitempty"` // the target table it works on: statements of one table's keys follow its data
	SQL      string         `json:"sql"`             // one statement, without a semicolon at its end
	After    []string       `json:"after,omitempty"` // IDs within the same phase that must have succeeded first
	Phase    Phase          `json:"phase"`
	Anyway   bool           `json:"anyway,omitempty"`   // is run also where what stands in After failed: it must only not run beside it
	NoTx     bool           `json:"no_tx,omitempty"`    // must run outside of a transaction block
	Optional bool           `json:"optional,omitempty"` // its failure is reported but makes the run neither failed nor partial (comments, ANALYZE)
	Findings []finding.Code `json:"findings,omitempty"`
	RefTable *catalog.Name  `json:"ref_table,omitempty"` // of a foreign key: the target table that it refers to
	Refers   *Reference     `json:"refers,omitempty"`    // of a foreign key
	Undo     string         `json:"undo,omitempty"`      // the statement that takes it back; empty where nothing has to be taken back

	// Columns are those of a table or view that Object is; Carries are the other
	// objects that come to be with it: inline constraints, the sequence of an
	// identity column, the index behind a key, the partitions made flat.
	Columns []string         `json:"columns,omitempty"`
	Carries []finding.Object `json:"carries,omitempty"`
}

// Reference is a foreign key as the target gets it, from Statement.Table to
// Statement.RefTable.
type Reference struct {
	Columns    []string `json:"columns"`
	RefColumns []string `json:"ref_columns"`
	MatchFull  bool     `json:"match_full,omitempty"`
	Only       bool     `json:"only,omitempty"`     // the rows of the table alone, not those of its children
	RefOnly    bool     `json:"ref_only,omitempty"` // the same of the table that it refers to
}

// Objects are all that come to be by a statement, in the target's names: Object,
// its Columns, and what it Carries.
func (s *Statement) Objects() iter.Seq[finding.Object] {
	return func(yield func(finding.Object) bool) {
		if !yield(s.Object) {
			return
		}
		for _, c := range s.Columns {
			if !yield(finding.Object{Kind: "column", Schema: s.Object.Schema, Parent: s.Object.Name, Name: c}) {
				return
			}
		}
		for _, o := range s.Carries {
			if !yield(o) {
				return
			}
		}
	}
}

// Transfer says how the rows of one target table are read and written.
type Transfer struct {
	Target    catalog.Name     `json:"target"`
	Source    catalog.Name     `json:"source"`               // the table that the user knows: the partition root
	Relations []catalog.Name   `json:"relations"`            // what is read, each with ONLY: the table itself, or its leaf partitions; sorted
	Columns   []ColumnTransfer `json:"columns"`              // generated columns left out; may be empty (a table without columns still has rows)
	Key       []string         `json:"key,omitempty"`        // target columns of the primary key, else of a NOT NULL unique key; for reading in key order
	KeyInline bool             `json:"key_inline,omitempty"` // the key stands in CREATE TABLE

	// Where are the user's conditions on the rows of Relations, one for each,
	// SQL on the source; empty, or nil, is all rows. The target holds no others.
	Where []string `json:"where,omitempty"`
	// NoData says who leaves the rows behind ("--exclude-table-data"); empty: they
	// are copied. Relations is empty then.
	NoData string `json:"no_data,omitempty"`

	// Binary says that the rows travel in COPY's binary format. What left the source
	// is then no text, and has no digest that the target's text could be held against.
	Binary bool `json:"binary,omitempty"`
}

// WhereOf is the condition on the rows of one of Relations, in parentheses;
// empty is all rows.
func (t *Transfer) WhereOf(relation catalog.Name) string {
	i := slices.Index(t.Relations, relation)
	if i < 0 || i >= len(t.Where) || t.Where[i] == "" {
		return ""
	}
	return "(" + t.Where[i] + ")"
}

// Filtered says whether some rows are left behind by the user's conditions.
func (t *Transfer) Filtered() bool {
	return slices.ContainsFunc(t.Where, func(w string) bool { return w != "" })
}

// ColumnTransfer says how one column travels.
type ColumnTransfer struct {
	Source     string        `json:"source"`
	Target     string        `json:"target"`
	SourceType *catalog.Type `json:"source_type"`        // of the model that the plan was made from
	Computed   bool          `json:"computed,omitempty"` // the source generates it: a query reads it, COPY of the table does not
	TargetType string        `json:"target_type"`        // as format_type would say it on the target
	Select     string        `json:"select"`             // SQL expression on the source; the quoted column name when nothing changes
	ReadBack   string        `json:"read_back"`          // SQL expression on the target whose text is compared; the quoted column name as a rule
	Canon      digest.Canon  `json:"canon,omitempty"`    // canonical form under which both sides are equal; empty is the text itself
	Loss       string        `json:"loss,omitempty"`     // what the transfer loses, in words; empty is nothing
	Affected   []Affected    `json:"affected,omitempty"` // values that this transfer does not carry as they are
}

// SequenceValue is the position to give a sequence after the data.
type SequenceValue struct {
	Source    catalog.Name       `json:"source"`
	Target    catalog.Name       `json:"target"`
	LastValue int64              `json:"last_value"` // as read in the snapshot's catalog load
	IsCalled  bool               `json:"is_called"`
	Owner     *catalog.ColumnRef `json:"owner,omitempty"` // on the target

	// How it counts, on both sides; Increment 0 says that the plan does not know.
	Increment int64 `json:"increment,omitempty"`
	Min       int64 `json:"min,omitempty"`
	Max       int64 `json:"max,omitempty"`
	Cycle     bool  `json:"cycle,omitempty"`

	Feeds []Feed `json:"feeds,omitempty"` // the columns of numbers that take their values from it, by target name
}

// Feed is a column that a sequence feeds.
type Feed struct {
	Target catalog.ColumnRef `json:"target"`
	Source catalog.ColumnRef `json:"source"`
}

// ExpectedTable is what the read-back of a table on the target must show.
type ExpectedTable struct {
	Name    catalog.Name     `json:"name"`
	Columns []ExpectedColumn `json:"columns"` // in order

	// Partitions are those of its tree that hold rows: its keys are valid when each of theirs stands.
	Partitions []catalog.Name `json:"partitions,omitempty"`

	// Expressions are those of defaults and generated columns, as they are sent, but
	// for those that the user wrote.
	Expressions []ExpectedExpression `json:"expressions,omitempty"`
}

// ExpectedExpression is what fills a column that a row leaves out.
type ExpectedExpression struct {
	Column    string `json:"column"`
	Generated bool   `json:"generated,omitempty"` // else it is a default
	Text      string `json:"text"`
}

// ExpectedColumn is what the read-back of a column must show.
type ExpectedColumn struct {
	Name       string             `json:"name"`
	Type       string             `json:"type"` // format_type on the target
	NotNull    bool               `json:"not_null"`
	Identity   catalog.Identity   `json:"identity,omitempty"`
	Generated  catalog.Generation `json:"generated,omitempty"`
	HasDefault bool               `json:"has_default,omitempty"`
}

// ExpectedView is what the read-back of a view on the target must show.
type ExpectedView struct {
	Name         catalog.Name         `json:"name"`
	Source       catalog.Name         `json:"source"`
	Materialized bool                 `json:"materialized,omitempty"`
	Columns      []ExpectedViewColumn `json:"columns"`            // in order
	Statement    string               `json:"statement"`          // ID of the one that makes it
	Refresh      string               `json:"refresh,omitempty"`  // ID of the one that fills it; empty of one without rows
	Reads        []catalog.Name       `json:"reads,omitempty"`    // target tables that its query reads, through other views too; sorted
	Fewer        bool                 `json:"fewer,omitempty"`    // not all rows of what it reads are copied: it need not show as many as at the source
	Circular     bool                 `json:"circular,omitempty"` // it needs itself: a query of it may fail, as at the source
}

// ExpectedViewColumn is a column of a view. Its type is the target's doing: of a
// column of a changed type it is the changed one, of an expression whatever the
// target gives.
type ExpectedViewColumn struct {
	Name  string   `json:"name"`
	Types []string `json:"types"` // any of them, as format_type says it; modifiers may be missing where the profile maps types
}

// Affected is a class of values that a transfer changes, or that the target
// refuses: what a scan of the source's rows counts.
type Affected struct {
	Kind     string `json:"kind"`               // stable: "sub-millisecond", "nan", "infinity", "digits", "bc", "far-date", "hour-24", "days", "nul", ...
	What     string `json:"what"`               // what such a row has, in words
	Where    string `json:"where"`              // SQL condition on the source, true of such a row; reads the column by its quoted name
	Refused  bool   `json:"refused,omitempty"`  // the target refuses the value, or stores another one unasked; false: the transfer itself changes it
	Document bool   `json:"document,omitempty"` // as json such values arrive
}

package ddlgen

// Profile says what a target accepts, as data. The two built in are the
// documented defaults; what a probe finds out changes the value, not the code.
type Profile struct {
	Name string `json:"name" yaml:"name"` // "db9", "postgres" or the file's own

	// Batches: one target transaction inside a part.
	BatchRows   int64 `json:"batch_rows" yaml:"batch_rows"`     // rows a transaction at most; 0 is no bound: one part is one batch
	BatchBytes  int64 `json:"batch_bytes" yaml:"batch_bytes"`   // bytes of COPY TEXT a transaction at most (a larger row is a batch alone); 0 is no bound
	Await       bool  `json:"await" yaml:"await"`               // wait for each answer inside a batch; false sends BEGIN, token and COPY in one flight
	AsyncCommit bool  `json:"async_commit" yaml:"async_commit"` // synchronous_commit off for the load, one durable commit at its end
	RowBytes    int64 `json:"row_bytes" yaml:"row_bytes"`       // bytes of COPY TEXT that one row may have; 0 is no bound
	Window      int   `json:"window" yaml:"window"`             // statements and batches sent on one connection before the first one's answer is read; up to 1 waits for each. Only where Await is false

	// Time and reading back.
	StatementLimit int64 `json:"statement_limit_ms" yaml:"statement_limit_ms"` // ms that one statement may take, where the timeout cannot be lifted; 0 is no bound
	IdleLimit      int64 `json:"idle_limit_ms" yaml:"idle_limit_ms"`           // ms that a transaction may be idle, where the timeout cannot be lifted; 0 is no bound
	ReadByKey      bool  `json:"read_by_key" yaml:"read_by_key"`               // tables are read back by SELECT, text results, in pages of their key; false: by COPY TO
	FullCatalog    bool  `json:"full_catalog" yaml:"full_catalog"`             // pg_catalog is PostgreSQL's; false: information_schema, pg_indexes and behaviour are believed

	// Types and DDL.
	Map              bool     `json:"map" yaml:"map"`               // apply the type map of DB9 (db9.md section 5); false keeps every type
	Partitions       bool     `json:"partitions" yaml:"partitions"` // partition trees as they are; false flattens them
	Inheritance      bool     `json:"inheritance" yaml:"inheritance"`
	InlinePrimaryKey bool     `json:"inline_primary_key" yaml:"inline_primary_key"`
	Unlogged         bool     `json:"unlogged" yaml:"unlogged"`
	Exclusion        bool     `json:"exclusion" yaml:"exclusion"`
	Deferrable       bool     `json:"deferrable" yaml:"deferrable"`                 // DEFERRABLE, NULLS NOT DISTINCT, MATCH FULL, SET NULL (columns)
	RowSecurity      bool     `json:"row_security" yaml:"row_security"`             // policies are enforced
	StatementLevel   bool     `json:"statement_triggers" yaml:"statement_triggers"` // triggers FOR EACH STATEMENT fire
	AfterTriggers    bool     `json:"after_triggers" yaml:"after_triggers"`         // what AFTER triggers do is seen by the transaction that fires them
	NotValid         bool     `json:"not_valid" yaml:"not_valid"`
	Generated        bool     `json:"generated" yaml:"generated"`             // generated columns are computed; false makes them plain and copies their values
	Arrays           bool     `json:"arrays" yaml:"arrays"`                   // arrays arrive element by element as they are; false makes them jsonb
	CopyNull         bool     `json:"copy_null" yaml:"copy_null"`             // \N of COPY is NULL also in a column with a default; false sets defaults of such columns after the rows
	EmptyLines       bool     `json:"empty_lines" yaml:"empty_lines"`         // an empty line of COPY is a row; false looks for empty texts in tables of one column
	JSONDigits       bool     `json:"json_digits" yaml:"json_digits"`         // numbers of jsonb keep every digit; false looks for longer ones than numbers of 64 bits keep
	TimeSpecials     bool     `json:"time_specials" yaml:"time_specials"`     // infinity, years BC and far ones; false looks for them
	Collations       bool     `json:"collations" yaml:"collations"`           // per-column collations other than C and default
	StorageOptions   bool     `json:"storage_options" yaml:"storage_options"` // WITH (...), fillfactor and kin
	IdentityAlways   bool     `json:"identity_always" yaml:"identity_always"`
	IndexMethods     []string `json:"index_methods" yaml:"index_methods"` // accepted; empty is all
	SlowMethods      []string `json:"slow_methods" yaml:"slow_methods"`   // accepted, but queries may scan the table all the same
	AllExtensions    bool     `json:"all_extensions" yaml:"all_extensions"`
	Extensions       []string `json:"extensions" yaml:"extensions"`             // accepted, when AllExtensions is false
	Languages        []string `json:"languages" yaml:"languages"`               // of routines that are carried; empty is all
	Constructs       []string `json:"constructs" yaml:"constructs"`             // what bodies of routines may do beside the plain (kinds of ddlgen/plsql); empty is all
	Overloads        bool     `json:"overloads" yaml:"overloads"`               // several routines of one name, told apart by their arguments; false carries the first
	Aggregates       bool     `json:"aggregates" yaml:"aggregates"`             // CREATE AGGREGATE
	ViewNesting      int      `json:"view_nesting" yaml:"view_nesting"`         // views upon views, at most; 0 is no bound
	NameBytes        int      `json:"name_bytes" yaml:"name_bytes"`             // 63
	TimestampDigits  int      `json:"timestamp_digits" yaml:"timestamp_digits"` // fractional digits of a timestamp that survive: 6, or 3 under db9
	IntervalDigits   int      `json:"interval_digits" yaml:"interval_digits"`   // the same of interval: 6, or 3 under db9, where a day and 24 hours are one value
	NumericDigits    int      `json:"numeric_digits" yaml:"numeric_digits"`     // decimal digits that every numeric keeps, without NaN and infinities; 0 is no bound
}

// Postgres is the profile of a plain PostgreSQL target.
func Postgres() Profile {
	return Profile{
		Name: "postgres", AsyncCommit: true, Window: 64, FullCatalog: true,
		Partitions: true, Inheritance: true, Unlogged: true, Exclusion: true, Deferrable: true, NotValid: true,
		RowSecurity: true, StatementLevel: true, AfterTriggers: true,
		Generated: true, Arrays: true, CopyNull: true, EmptyLines: true, JSONDigits: true, TimeSpecials: true, Collations: true, StorageOptions: true, IdentityAlways: true, AllExtensions: true,
		Overloads: true, Aggregates: true,
		NameBytes: 63, TimestampDigits: 6, IntervalDigits: 6,
	}
}

// DB9 is the profile of a DB9 target: its documented limits, the safer side
// where the documents contradict each other.
func DB9() Profile {
	return Profile{
		Name: "db9", BatchRows: 5000, BatchBytes: 2_000_000, Await: true, RowBytes: 7 << 20,
		StatementLimit: 60_000, IdleLimit: 60_000, ReadByKey: true,
		Map: true, InlinePrimaryKey: true, Generated: true,
		IndexMethods: []string{"btree", "gin", "gist", "hnsw"},
		SlowMethods:  []string{"gin", "gist"},
		Extensions: []string{
			"http", "uuid-ossp", "hstore", "fs9", "pg_cron", "parquet", "zhparser", "vector", "embedding",
		},
		Languages: []string{"sql", "plpgsql"}, Constructs: []string{"sleep"}, Overloads: true, // overloads are tried
		ViewNesting: 64, NameBytes: 63, TimestampDigits: 3, IntervalDigits: 3, NumericDigits: 28,
	}
}

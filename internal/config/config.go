package config

import "log/slog"

// Secret is a connection string. It prints as three asterisks wherever it is
// printed by accident.
type Secret string

// Reveal returns the connection string itself.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer without the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString implements fmt.GoStringer without the secret.
func (s Secret) GoString() string { return s.String() }

// LogValue implements slog.LogValuer without the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler without the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Config holds the value of every option.
type Config struct {
	Source Secret
	Target Secret

	// Commands that print secrets; they may hold one themselves.
	SourceURLCommand      Secret
	TargetURLCommand      Secret
	SourcePasswordCommand Secret
	TargetPasswordCommand Secret
	NetworkTimeout        int // seconds

	// Bastions: [user@]host[:port], files of keys, and commands that print their
	// passphrases.
	SourceSSH                  string
	TargetSSH                  string
	SourceSSHKey               string
	TargetSSHKey               string
	SourceSSHPassphraseCommand Secret
	TargetSSHPassphraseCommand Secret
	SSHKnownHosts              string
	SSHAgent                   string // the agent's socket, of SSH_AUTH_SOCK: no option

	IncludeTables  []string
	ExcludeTables  []string
	IncludeSchemas []string
	ExcludeSchemas []string

	Mapping           string
	ExcludeColumns    []string
	ExcludeColumnKeys string
	ExcludeTableData  []string
	Rows              []string // --where

	Jobs    int
	MinJobs int // 0: 1, where the number of jobs is not fixed
	MaxJobs int // 0: as the profile says

	// What the source is to be spared. Zero is no bound.
	MaxRate              string
	SourceMaxConnections int
	MaxLagBytes          string
	MaxActive            int
	MaxTransaction       int // seconds
	YieldLocks           int // seconds

	SplitBy    string
	Format     string
	RetryFor   int // seconds
	Profile    string
	PrimaryKey string
	DryRun     bool
	JSON       bool
	Reports    []string
	OnExisting string
	SkipVerify bool

	Resume         bool
	NewSnapshot    bool
	OnChanged      string
	Redo, Skip     []string
	RetryFailed    bool
	KeepSnapshot   int // seconds after the last sign of the copier; 0 is no keeper
	MaxSnapshotAge int // seconds

	Snapshot string // snapshot-holder
	Run      string // snapshot-holder, status, clean, rejects

	Accept     []string
	LogLevel   string
	LogFile    string
	NoProgress bool

	OnRowError string
	MaxRejects int
	RejectsDir string
	RejectsOK  bool
	Dir        string   // rejects
	Files      []string // arguments that are no options
	JobFile    string   // of syncs: what --config names there
	Group      string   // of the job file
	Listen     string   // sync serve
	Metrics    bool     // sync serve
	Limit      int      // sync history
	Schedule   string   // sync init
	Timezone   string   // sync init

	Privileges bool
	Roles      bool
	Owners     bool
	Policies   bool
	NoComments bool

	Apply      string // schema
	LeftBehind string // schema, clone
	Set        bool   // sequences
	Margin     int    // sequences
	Behaviour  bool   // verify

	AllDatabases bool   // assess
	ScanData     string // assess: sample, full; "" is no scan
	ScanRows     int    // assess
	ScanRate     string // assess

	Probe      string // auto, always, never
	ProbeCache string // folder, "" the user's own

	// verify
	Level          string
	MaxDifferences int
	Differences    string // file
	ShowValues     bool
	State          string   // file
	Certificates   []string // files; of clone too
	Recheck        bool
	Live           bool
	Deadline       string // duration

	// repair
	Execute       bool
	Delete        bool
	AllowTriggers []string

	Watch bool // status
	Yes   bool // clean

	CallRoutines string   // auto, always, never
	OnlyProbe    []string // numbers or names
	SkipProbe    []string

	Bench

	File string // the configuration file that was read, "" for none

	origin map[string]origin
}

// origin is where a value came from.
type origin struct {
	text string // "--jobs", "PG2DB9_JOBS", "pg2db9.yaml:3: jobs"
	line int    // in a file
}

// Where names the place that gave the option its value: the flag, the
// environment variable, or file, line and key. For a default it is the flag.
func (c *Config) Where(name string) string {
	if o, ok := c.origin[name]; ok {
		return o.text
	}
	return "--" + name
}

// Given reports whether the option was given at all, by whatever way.
func (c *Config) Given(name string) bool {
	_, ok := c.origin[name]
	return ok
}

// InFile reports whether the option's value came from the configuration file,
// which several commands may share.
func (c *Config) InFile(name string) bool { return c.origin[name].line > 0 }

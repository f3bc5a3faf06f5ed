package catalog

// Who owns what, who may do what, and what is set for whom. Nothing here needs
// pg_authid, which managed servers do not show: passwords are never read.

// Role is a role that owns, is granted or is named by an object of the
// database, or is a member of such a role; roles named pg_... are not listed.
type Role struct {
	Name        string   `json:"name"`
	Login       bool     `json:"login,omitempty"`
	Superuser   bool     `json:"superuser,omitempty"`
	CreateDB    bool     `json:"create_db,omitempty"`
	CreateRole  bool     `json:"create_role,omitempty"`
	Inherit     bool     `json:"inherit"`
	Replication bool     `json:"replication,omitempty"`
	BypassRLS   bool     `json:"bypass_rls,omitempty"`
	ConnLimit   int      `json:"conn_limit"`          // -1 is none
	MemberOf    []string `json:"member_of,omitempty"` // sorted; predefined roles (pg_...) included
}

// ObjectRef names an object of any kind in the words of finding.Object, so that
// rights, labels and edges can point at it.
type ObjectRef struct {
	Kind   string `json:"kind"`             // "table", "view", "function", "schema", "column", ...
	Schema string `json:"schema,omitempty"` // empty for objects outside of schemas
	Name   string `json:"name"`             // routines with their argument types
	Parent string `json:"parent,omitempty"` // the table of a column, index, constraint, trigger, rule or policy
}

// Owner says whose an object is.
type Owner struct {
	Object ObjectRef `json:"object"`
	Role   string    `json:"role"`
}

// Grant is one entry of an access control list that says more, or less, than
// the default does.
type Grant struct {
	Object     ObjectRef `json:"object"`
	Grantee    string    `json:"grantee"`             // empty is PUBLIC
	Grantor    string    `json:"grantor"`             //
	Privileges []string  `json:"privileges"`          // "SELECT", "INSERT", ...; sorted
	Grantable  bool      `json:"grantable,omitempty"` // WITH GRANT OPTION
	Revoked    bool      `json:"revoked,omitempty"`   // taken from the default: PUBLIC or the owner lacks it
}

// DefaultPrivilege is one entry of ALTER DEFAULT PRIVILEGES.
type DefaultPrivilege struct {
	Role       string   `json:"role"`             // FOR ROLE
	Schema     string   `json:"schema,omitempty"` // IN SCHEMA; empty is the whole database
	Objects    string   `json:"objects"`          // TABLES, SEQUENCES, FUNCTIONS, TYPES, SCHEMAS, LARGE OBJECTS
	Grantee    string   `json:"grantee"`          // empty is PUBLIC
	Privileges []string `json:"privileges"`       // sorted
	Grantable  bool     `json:"grantable,omitempty"`
	Revoked    bool     `json:"revoked,omitempty"`
}

// Setting is a parameter set by ALTER DATABASE or ALTER ROLE.
type Setting struct {
	Role     string `json:"role,omitempty"` // empty is every role
	Database bool   `json:"database"`       // for this database; false is for all of the cluster's
	Name     string `json:"name"`
	Value    string `json:"value"`
	Unread   bool   `json:"unread,omitempty"` // the value was not read: the parameter is the application's, and may hold a secret
}

// SecurityLabel is one SECURITY LABEL.
type SecurityLabel struct {
	Object   ObjectRef `json:"object"`
	Provider string    `json:"provider"`
	Label    string    `json:"label"`
}

// Dependency is an edge of pg_depend between two objects of the user's, or from
// one of the user's to a member of an extension.
type Dependency struct {
	Object    ObjectRef `json:"object"`
	On        ObjectRef `json:"on"`
	Extension string    `json:"extension,omitempty"` // the extension that On belongs to
}

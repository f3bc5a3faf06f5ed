package provider

// Provider is what is known of one. Names may end in *.
type Provider struct {
	Name Name

	// What is the provider's own on the server, and is not carried.
	Schemas       []string
	Roles         []string
	Extensions    []string
	EventTriggers []string
	Publications  []string
	Databases     []string

	// What the user does there, for remedies and for the report's end.
	Direct  string // the form of connection that reaches the server itself
	Grants  string // how a role gets to read what others own
	Revoke  string // what to close when the move is over
	Switch  string // what the application has there that goes
	Rotates string // "" or how the credentials change

	marks marks
	acts  []string // roles that only the provider acts as
}

// marks are the signs of a provider.
type marks struct {
	settings, functions, roles, databases []string // sure
	schemas, extensions, hosts            []string // half
	database                              string   // half
}

// providers is the table. The first that fits is taken: Aurora has all that RDS
// has.
var providers = []Provider{
	{
		Name:       Aurora,
		Schemas:    rdsSchemas,
		Roles:      rdsRoles,
		Extensions: rdsExtensions,
		Databases:  []string{"rdsadmin"},
		Direct:     "the cluster's writer endpoint (NAME.cluster-ID.REGION.rds.amazonaws.com), neither RDS Proxy nor the reader endpoint (cluster-ro)",
		Grants:     rdsGrants,
		Revoke:     rdsRevoke,
		Switch:     "RDS Proxy, and the code that takes IAM tokens as passwords",
		Rotates:    rdsRotates,
		marks:      marks{functions: []string{"aurora_version", "aurora_db_instance_identifier"}},
		acts:       []string{"rdsadmin"},
	},
	{
		Name:       RDS,
		Schemas:    rdsSchemas,
		Roles:      rdsRoles,
		Extensions: rdsExtensions,
		Databases:  []string{"rdsadmin"},
		Direct:     "the instance's own endpoint (NAME.ID.REGION.rds.amazonaws.com), not RDS Proxy's (NAME.proxy-ID...)",
		Grants:     rdsGrants,
		Revoke:     rdsRevoke,
		Switch:     "RDS Proxy, and the code that takes IAM tokens as passwords",
		Rotates:    rdsRotates,
		marks:      marks{settings: []string{"rds.extensions"}, roles: []string{"rdsadmin", "rds_superuser"}, databases: []string{"rdsadmin"}, hosts: []string{".rds.amazonaws.com"}},
		acts:       []string{"rdsadmin"},
	},
	{
		Name:          Supabase,
		Schemas:       []string{"auth", "storage", "realtime", "_realtime", "extensions", "graphql", "graphql_public", "vault", "pgsodium", "pgsodium_masks", "pgbouncer", "net", "cron", "supabase_functions", "supabase_migrations", "_analytics", "_supavisor"},
		Roles:         []string{"anon", "authenticated", "service_role", "authenticator", "dashboard_user", "pgbouncer", "pgsodium_*", "supabase_*"},
		Extensions:    []string{"supabase_vault", "pg_graphql", "pgsodium", "pg_net", "wrappers"},
		EventTriggers: []string{"issue_graphql_placeholder", "issue_pg_cron_access", "issue_pg_graphql_access", "issue_pg_net_access", "pgrst_ddl_watch", "pgrst_drop_watch"},
		Publications:  []string{"supabase_realtime", "supabase_realtime_messages_publication"},
		Direct:        "port 5432: the session pooler (the same host and user), or db.REF.supabase.co, which often has an IPv6 address alone",
		Revoke:        "the database password in the project's settings, and network restrictions that were opened for the move",
		Switch:        "the pooler of port 6543; auth, storage, realtime and functions are no part of the database: only the database moves",
		marks:         marks{settings: []string{"supautils.reserved_roles"}, roles: []string{"supabase_admin", "supabase_auth_admin", "supabase_storage_admin"}, schemas: []string{"supabase_functions", "supabase_migrations", "_realtime"}, extensions: []string{"supabase_vault"}, hosts: []string{".supabase.co", ".supabase.com"}},
		acts:          []string{"supabase_*"},
	},
	{
		Name:       Neon,
		Schemas:    []string{"neon_auth", "neon", "neon_migration", "neon_control_plane"},
		Roles:      []string{"neon_superuser", "neon_service", "cloud_admin", "neon_auth", "web_access"},
		Extensions: []string{"neon", "neon_utils", "neon_test_utils"},
		Direct:     "the host without -pooler",
		Revoke:     "the role's password, and IP addresses that were allowed for the move",
		Switch:     "the -pooler host and Neon's serverless driver",
		marks:      marks{settings: []string{"neon.timeline_id", "neon.tenant_id"}, roles: []string{"neon_superuser"}, schemas: []string{"neon_auth"}, extensions: []string{"neon"}, hosts: []string{".neon.tech", ".neon.build"}},
		acts:       []string{"cloud_admin"},
	},
	{
		Name:       Azure,
		Schemas:    []string{"azure", "azure_storage", "azure_ai"},
		Roles:      []string{"azure_pg_admin", "azuresu", "azure_*", "replication"},
		Extensions: []string{"azure", "azure_*", "pgaadauth"},
		Databases:  []string{"azure_maintenance", "azure_sys"},
		Direct:     "port 5432, not 6432 (the built-in PgBouncer)",
		Revoke:     "the firewall rule that let pg2db9 in, public access, and Entra tokens that were taken for the move",
		Switch:     "PgBouncer of port 6432, and the code that takes Entra tokens as passwords",
		Rotates:    "Entra tokens live for about an hour: --source-password-command takes a new one at every connect",
		marks:      marks{settings: []string{"azure.extensions"}, roles: []string{"azure_pg_admin", "azuresu"}, databases: []string{"azure_maintenance", "azure_sys"}, hosts: []string{".postgres.database.azure.com"}},
		acts:       []string{"azuresu"},
	},
	{
		Name:       CloudSQL,
		Schemas:    []string{"google_ml", "google_vacuum_mgmt"},
		Roles:      []string{"cloudsqladmin", "cloudsqlagent", "cloudsqlconnpooladmin", "cloudsqliamgroup", "cloudsqliamserviceaccount", "cloudsqliamuser", "cloudsqlimportexport", "cloudsqllogical", "cloudsqlobservability*", "cloudsqlreplica", "cloudsqlsuperuser", "cloudsqlinactiveuser"},
		Extensions: []string{"google_ml_integration", "google_vacuum_mgmt"},
		Databases:  []string{"cloudsqladmin"},
		Direct:     "host:5432 or the Auth Proxy, not a pooler of your own or managed connection pooling (port 6432)",
		Revoke:     "the authorised network that let pg2db9 in, and IAM database users that were made for the move",
		Switch:     "the Auth Proxy, and the code that takes IAM tokens as passwords",
		Rotates:    "IAM tokens live for an hour: --source-password-command takes a new one at every connect",
		marks:      marks{settings: []string{"cloudsql.logical_decoding", "cloudsql.iam_authentication"}, roles: []string{"cloudsqladmin", "cloudsqlsuperuser"}, databases: []string{"cloudsqladmin"}},
		acts:       []string{"cloudsqladmin", "cloudsqlagent"},
	},
	{
		Name:          Heroku,
		Schemas:       []string{"heroku_ext", "_heroku"},
		Roles:         []string{"heroku_*"},
		EventTriggers: []string{"extension_before_drop", "log_create_ext", "log_drop_ext", "validate_extension"},
		Direct:        "DATABASE_URL, not the URL of the pooling add-on (DATABASE_CONNECTION_POOL_URL)",
		Revoke:        "the credentials: heroku pg:credentials:rotate",
		Switch:        "connection pooling; point the application at the new database by heroku config:set DATABASE_URL=... (detach the add-on first: the variable is its own)",
		Rotates:       "Heroku changes the credentials without notice: --source-url-command 'heroku config:get DATABASE_URL -a APP' takes them at every connect",
		marks:         marks{roles: []string{"heroku_admin"}, schemas: []string{"heroku_ext", "_heroku"}},
		acts:          []string{"heroku_*"},
	},
	{
		Name:      DigitalOcean,
		Roles:     []string{"doadmin", "_doadmin_*", "_dodb", "doadmin_group"},
		Databases: []string{"_dodb"},
		Direct:    "port 25060, not 25061 (the connection pool)",
		Revoke:    "the trusted source that let pg2db9 in, and the user that was made for the move",
		Switch:    "the connection pool of port 25061",
		marks:     marks{roles: []string{"_dodb", "doadmin"}, databases: []string{"_dodb"}, hosts: []string{".db.ondigitalocean.com"}, database: "defaultdb"},
		acts:      []string{"_dodb", "_doadmin_*"},
	},
	{
		Name:   Railway,
		Direct: "the TCP proxy's host and port of DATABASE_PUBLIC_URL; the private host resolves inside of the project alone",
		Revoke: "the TCP proxy of the service, where it was opened for the move",
		Switch: "the references to the Postgres service's variables",
		marks:  marks{hosts: []string{".rlwy.net", ".railway.internal"}, database: "railway"},
	},
}

var (
	rdsSchemas    = []string{"rdsadmin", "rds_tools", "aws_s3", "aws_commons", "aws_lambda", "aws_ml", "apg_plan_mgmt"}
	rdsRoles      = []string{"rdsadmin", "rds_*", "rdsrepladmin", "rdstopmgr", "rdswriteforwarduser", "rdsproxyadmin"}
	rdsExtensions = []string{"aws_s3", "aws_commons", "aws_lambda", "aws_ml", "apg_*", "rds_tools", "aurora_*"}
)

const (
	rdsGrants  = "rds_superuser may not read what others own: GRANT the owner's role to the one that reads (GRANT owner TO reader)"
	rdsRevoke  = "the rule of the security group that let pg2db9 in, public access, SSM port forwarding, and the IAM policy for rds-db:connect that was made for the move"
	rdsRotates = "IAM tokens live for 15 minutes: --source-password-command 'aws rds generate-db-auth-token ...' takes a new one at every connect"
)

package db9sim_test

// wireProofs prove the rules of the connection.
func wireProofs() map[string][]proving {
	return map[string][]proving{
		"tenant-users":       {proveTenantUsers},
		"database-postgres":  {proveDatabasePostgres},
		"cleartext-password": {proveCleartextPassword},
		"connection-cap":     {proveConnectionCap},
	}
}

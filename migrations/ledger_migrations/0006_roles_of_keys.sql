-- The role that a person acts in with an API key: policies of authority judge by it. Older keys have none, as systems do.

SET LOCAL ROLE ledger_owner;

ALTER TABLE ledger.api_key ADD COLUMN role text CHECK (role <> '');
COMMENT ON COLUMN ledger.api_key.role IS
    'The role that a person acts in (agent, team_lead, …), which policies of authority judge by; null for upstream systems.';

DROP TABLE audit;
DROP TABLE api_token;
DROP TABLE refresh_token;
DROP TABLE recovery_code;
DROP TABLE staff_session;
DROP TABLE users;

DROP TABLE sessions;
DROP TABLE jobs;
DROP TABLE arrivals;
DROP TABLE berths;
DROP TABLE ships;

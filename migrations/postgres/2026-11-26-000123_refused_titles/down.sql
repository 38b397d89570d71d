DROP TABLE refused_title;

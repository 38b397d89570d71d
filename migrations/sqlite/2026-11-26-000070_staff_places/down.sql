DROP TABLE staff_place;

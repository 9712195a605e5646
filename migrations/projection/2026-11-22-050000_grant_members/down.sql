DROP TABLE grant_members;

import { postgresSuite } from "./testing/postgres-suite.ts";

// Hot tables split by project, and all that a pooler in transaction mode does not pass on left out.
postgresSuite({
  name: "partitioned postgres behind a pooler",
  parameters: "&schema=split&partitions=4&listen=false&prepare=false",
  isBrief: true,
});

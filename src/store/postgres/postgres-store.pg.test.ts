import { postgresSuite } from "./testing/postgres-suite.ts";

postgresSuite({ name: "postgres", parameters: "" });

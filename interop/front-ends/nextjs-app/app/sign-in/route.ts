export { GET } from "../../examples/app/sign-in/route";

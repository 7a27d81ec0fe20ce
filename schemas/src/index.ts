export { CleatError, isCleatError, parseErrorClass, toCleatError } from './errors.ts';
export type { ErrorClass, ErrorExtras } from './errors.ts';

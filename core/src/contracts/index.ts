export {
  type Caller,
  type ContractCall,
  ContractCallee,
  type ContractCalleeOptions,
  type ContractHandler,
} from './contract-callee.ts';
export { ContractCaller, type ContractCallOptions } from './contract-caller.ts';
export { ErrorCodec } from './error-codec.ts';
export { Interception, type Judge } from './interception.ts';

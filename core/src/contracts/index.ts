export { type ContractCall, ContractCallee, type Caller, type ContractCalleeOptions, type ContractHandler } from './contract-callee.ts';
export { ContractCaller, type ContractCallOptions } from './contract-caller.ts';
export { ErrorCodec } from './error-codec.ts';

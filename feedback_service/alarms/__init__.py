"""What calls a human: alarms from when they are raised until somebody has dealt with them, and letters about them.

book        alarms and concerns
post        when letters are written, to whom, and what becomes of them
letters     what they say
"""
